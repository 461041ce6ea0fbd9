"""Looks for branches and indices that could follow a secret in the compiled vector kernels, and in
what opens CBC records whose padding and MAC are not verified yet.

Reads the assembly of the library (`rustc --emit asm`, AT&T syntax) and, in each function of the room
`crypto::vector` and in those of `crypto::cipher::cbc` that are named in ROOM, accepts

- a conditional jump only if its flags come from counters: registers whose values are made of constants,
  the function's arguments, addresses and other counters, with nothing read from memory but such a value
  that was put aside on the stack;
- an indexed address only if the index is a counter;
- no division at all.

What is read from memory and public, such as the length of a number in a struct, is in a list, by the
function and how often it occurs at most. Whatever else is found fails the check, and so does an entry
of the list that nothing needs.

Usage: constant_time.py ASSEMBLY [LIST], or --control ASSEMBLY for that of leaky.rs. Without a list it
prints the one that would be needed, to be read against the code before it is kept.
"""
import re
import sys
from collections import defaultdict

GPR = {}
for names in (
    "rax eax ax al ah", "rbx ebx bx bl bh", "rcx ecx cx cl ch", "rdx edx dx dl dh",
    "rsi esi si sil", "rdi edi di dil", "rbp ebp bp bpl", "rsp esp sp spl",
):
    first, *rest = names.split()
    for name in (first, *rest):
        GPR[name] = first
for n in range(8, 16):
    for suffix in ("", "d", "w", "b"):
        GPR[f"r{n}{suffix}"] = f"r{n}"

# The registers of the arguments in the System V ABI, and those of an indirect result.
ARGUMENTS = {"rdi", "rsi", "rdx", "rcx", "r8", "r9", "rax", "rsp", "rbp"}
# What a call may change.
CLOBBERED = {"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"}

MEMORY = re.compile(r"^(?:%[fg]s:)?([^(]*)\(([^)]*)\)$")
REGISTER = re.compile(r"%([a-z][a-z0-9]*)")

# Instructions that only read, or that set flags and nothing else.
READERS = ("cmp", "test", "bt", "push", "ucomis", "vucomis", "vptest", "ptest", "prefetch")
# Instructions that leave the flags as they are.
KEEPS_FLAGS = re.compile(
    r"^(mov|lea|v|p|xchg|set|cmov|mulx|rorx|sarx|shlx|shrx|not|push|pop|nop|bswap|call|cbw|cwt|cltq|cqto"
    r"|cltd|aes|kmov|movd|cld|kunpck|kand|kor|knot|kxor|kshift|kadd)"
)


def split_operands(text):
    operands, depth, current = [], 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            operands.append(current.strip())
            current = ""
        else:
            current += character
    return operands + [current.strip()] if current.strip() else operands


class Instruction:
    def __init__(self, line, text):
        self.line = line
        text = text.split("#")[0].strip()
        text = re.sub(r"^(rep|repe|repne|lock)\s+", r"\1_", text)
        parts = text.split(None, 1)
        self.name = parts[0]
        self.operands = split_operands(parts[1]) if len(parts) > 1 else []
        self.text = text

    def memory(self):
        """The address's base and index, if an operand is in memory."""
        for operand in self.operands:
            match = MEMORY.match(operand.split("{")[0].strip())
            if match:
                registers = [part.strip().lstrip("%") for part in match[2].split(",")]
                base = GPR.get(registers[0]) if registers[0] else None
                vector = len(registers) > 1 and registers[1] and registers[1] not in GPR
                index = GPR.get(registers[1]) if len(registers) > 1 and registers[1] else None
                return base, ("vector" if vector else index), operand
        return None

    def is_jump(self):
        return self.name[0] == "j" and not self.name.startswith("jmp")

    def target(self):
        """The general register that is written, with whether the old value takes part."""
        name = self.name
        if not self.operands or name.startswith(READERS) or name[0] == "j" or name == "call":
            return []
        last = self.operands[-1]
        register = GPR.get(last.lstrip("%")) if last.startswith("%") else None
        written = [register] if register else []
        if name.startswith("mulx"):
            return [GPR.get(o.lstrip("%")) for o in self.operands[1:]]
        if name.startswith(("mul", "imul", "div", "idiv")) and len(self.operands) == 1:
            return ["rax", "rdx"]
        if name.startswith("xchg"):
            return [GPR.get(o.lstrip("%")) for o in self.operands if o.lstrip("%") in GPR]
        return written


def functions(path):
    """The functions of the room: name and lines, comments and directives left out."""
    current, name = None, None
    for number, line in enumerate(open(path), 1):
        label = re.match(r'^"?([^\s"#:]+)"?:', line)
        if label and not label[1].startswith(".L"):
            name = label[1]
            current = [] if re.search(ROOM, name) else None
            if current is not None:
                yield name, current
        elif current is not None:
            if line.startswith("\t.cfi_endproc"):
                current = None
            elif label:
                current.append((number, "label", label[1]))
            elif line.startswith("\t") and not line.startswith("\t."):
                current.append((number, "code", line.strip()))


class Function:
    def __init__(self, body):
        self.code, self.labels = [], {}
        # The places on the stack that `black_box` was shown.
        self.hidden = set()
        for number, kind, text in body:
            if kind == "label":
                self.labels[text] = len(self.code)
            elif text.startswith("#APP") and self.code and self.code[-1].name.startswith("lea"):
                self.hidden.add(self.slot(self.code[-1].operands[0]))
            elif text.split("#")[0].strip():
                self.code.append(Instruction(number, text))
        self.before = defaultdict(set)
        for i, instruction in enumerate(self.code):
            name = instruction.name
            if name[0] == "j":
                to = self.labels.get(instruction.operands[0])
                if to is not None:
                    self.before[to].add(i)
            if name not in ("jmp", "jmpq", "ret", "retq", "ud2") and i + 1 < len(self.code):
                self.before[i + 1].add(i)
        self.stack = defaultdict(list)
        for i, instruction in enumerate(self.code):
            if len(instruction.operands) == 2 and self.slot(instruction.operands[1]):
                self.stack[self.slot(instruction.operands[1])].append(i)

    @staticmethod
    def slot(operand):
        match = MEMORY.match(operand)
        return operand if match and match[2].strip() in ("%rsp", "%rbp") else None

    def definitions(self, at, register):
        """The instructions that may have written a register before an instruction; -1 is the entry."""
        found, seen, open_ = set(), set(), [at]
        while open_:
            here = open_.pop()
            if here == 0 and not self.before[0]:
                found.add(-1)
            for before in self.before[here]:
                if before in seen:
                    continue
                seen.add(before)
                instruction = self.code[before]
                if instruction.name.startswith("call") and register in CLOBBERED:
                    found.add(before)
                elif register in instruction.target():
                    found.add(before)
                else:
                    open_.append(before)
                    if before == 0:
                        found.add(-1)
        return found

    def flags(self, at):
        """The instructions that may have set the flags that an instruction reads."""
        found, seen, open_ = set(), set(), [at]
        while open_:
            for before in self.before[open_.pop()]:
                if before in seen:
                    continue
                seen.add(before)
                if KEEPS_FLAGS.match(self.code[before].name) and not self.code[before].name.startswith(
                    ("vptest", "ptest", "vucomis", "vtest")
                ) or self.code[before].name[0] == "j":
                    open_.append(before)
                else:
                    found.add(before)
        return found

    def is_counter(self, at, register, seen=None):
        """True if a register's value at an instruction is made of constants, arguments and counters."""
        seen = set() if seen is None else seen
        if register in ("rsp",):
            return True
        for definition in self.definitions(at, register):
            if definition == -1:
                if register not in ARGUMENTS:
                    return False
                continue
            if (definition, register) in seen:
                continue
            seen.add((definition, register))
            if not self.is_made_of_counters(definition, seen):
                return False
        return True

    def is_made_of_counters(self, at, seen):
        instruction = self.code[at]
        name, operands = instruction.name, instruction.operands
        if name.startswith("call"):
            return False
        if name.startswith(("xor", "sub")) and len(operands) == 2 and operands[0] == operands[1]:
            return True
        if name.startswith("pop"):
            return False
        if name.startswith("set"):
            return all(self.is_set_by_counters(setter, seen) for setter in self.flags(at))
        if name.startswith("mulx"):
            sources = ["rdx", *(GPR.get(r) for r in REGISTER.findall(operands[0]))]
            return not instruction.memory() and all(self.is_counter(at, s, seen) for s in sources)
        if not re.match(r"^(mov|lea|add|sub|inc|dec|neg|not|and|or|xor|shl|shr|sar|sal|imul|cmov|xchg)", name):
            return False
        if re.match(r"^(movq|movd|vmov|movmsk)", name) and any("mm" in o for o in operands):
            return False
        memory = instruction.memory()
        if memory and not name.startswith("lea"):
            slot = self.slot(memory[2])
            if memory[2] == operands[-1] and len(operands) > 1:
                return True
            if not slot or not self.stack[slot] or slot in self.hidden:
                return False
            for store in self.stack[slot]:
                if (store, slot) in seen:
                    continue
                seen.add((store, slot))
                source = self.code[store].operands[0]
                if not self.code[store].name.startswith("mov"):
                    return False
                if source.startswith("$"):
                    continue
                register = GPR.get(source.lstrip("%"))
                if register is None or not self.is_counter(store, register, seen):
                    return False
        sources = set()
        for operand in operands if not name.startswith("mov") else operands[:1]:
            for register in REGISTER.findall(operand if not memory or name.startswith("lea") else operand):
                if register in GPR:
                    sources.add(GPR[register])
                elif register.startswith(("xmm", "ymm", "zmm", "k")):
                    return False
        if name.startswith("lea"):
            sources = {GPR[r] for r in REGISTER.findall(operands[0]) if r in GPR}
        if memory and not name.startswith("lea"):
            sources -= {memory[0]}
        return all(self.is_counter(at, source, seen) for source in sources)

    def is_set_by_counters(self, at, seen=None):
        """True if an instruction sets its flags by counters."""
        flags = self.code[at]
        if flags.memory() or any("mm" in o or "%k" in o for o in flags.operands):
            return False
        if not re.match(r"^(cmp|test|sub|add|dec|inc|and|or|shr|shl|neg|xor|bt)", flags.name):
            return False
        registers = {GPR[r] for o in flags.operands for r in REGISTER.findall(o) if r in GPR}
        return all(self.is_counter(at, register, seen) for register in registers)

    def findings(self):
        for i, instruction in enumerate(self.code):
            name = instruction.name
            if re.match(r"^i?div|^v?div(p|s)", name):
                yield "division", instruction
            if instruction.is_jump():
                for setter in self.flags(i):
                    if not self.is_set_by_counters(setter):
                        yield "conditional jump", instruction, self.code[setter]
            memory = instruction.memory()
            if memory and not name.startswith(("lea", "nop", "prefetch")):
                if memory[1] == "vector" or memory[1] and not self.is_counter(i, memory[1]):
                    yield "index", instruction


def plain_name(symbol):
    """The path of a function without the hash, as in the list."""
    match = re.match(r"^_ZN(.*)E$", symbol)
    if not match:
        return symbol
    text, parts = match[1], []
    while text:
        length = re.match(r"\d+", text)
        if not length:
            break
        text = text[length.end():]
        parts.append(text[: int(length[0])])
        text = text[int(length[0]):]
    if parts and re.match(r"^h[0-9a-f]{16}$", parts[-1]):
        parts.pop()
    return re.sub(r"^\w+::crypto::vector::|^\w+::vector::|^\w+::crypto::cipher::", "", "::".join(parts)).replace("$LT$", "<").replace("$GT$", ">").replace("_$", "$").replace("$", "")


# The functions of CBC hide what is secret in `black_box` first, which is an empty assembler block between
# #APP and #NO_APP: what it gives back is no counter. They are never inlined, so that a name that is missing
# fails the check.
OPENING = (
    "cbc::hidden::unpad",
    "cbc::hidden::copy",
    "cbc::mac::Mac::tag_of_hidden_length",
    "cbc::Cbc::verify_decrypted",
)
ROOM = r"6crypto6vector|6cipher3cbc(6hidden5unpad|6hidden4copy|3mac3Mac20tag_of_hidden_length|3Cbc16verify_decrypted)"
KINDS = ("division", "conditional jump", "index")


def read_list(path):
    """The accepted findings: at most so many of a kind in a function, and the reason."""
    accepted, group = {}, None
    for line in open(path):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        match = re.match(r"^(\S+): (\d+) (division|conditional jump|index)$", line)
        if not match:
            sys.exit(f"{path}: not understood: {line}")
        accepted[match[1], match[3]] = int(match[2])
    return accepted


def main(assembly, list_path):
    found = defaultdict(list)
    names, jumps = set(), 0
    for name, body in list(functions(assembly)):
        function = Function(body)
        names.add(plain_name(name))
        jumps += sum(instruction.is_jump() for instruction in function.code)
        for kind, *where in function.findings():
            found[plain_name(name), kind].append(where)
    if len(names) < 20:
        sys.exit("the kernels are not in this assembly")
    if missing := set(OPENING) - names:
        sys.exit(f"not in this assembly: {sorted(missing)}")
    accepted = read_list(list_path)
    failed = False
    for (name, kind), places in sorted(found.items()):
        most = accepted.get((name, kind), 0)
        if len(places) > most:
            failed = True
            print(f"{name}: {len(places)} {kind}, accepted {most}")
            for place in places:
                print("    " + " <- ".join(f"line {i.line}: {i.text}" for i in place))
    for name, kind in sorted(set(accepted) - set(found)):
        failed = True
        print(f"{name}: {kind} is accepted and not found")
    total = sum(len(places) for places in found.values())
    print(f"{len(names)} functions, {jumps} conditional jumps: {total} findings, each to be in the list")
    return failed


def dump(assembly):
    """The list as it would have to be."""
    found = defaultdict(int)
    for name, body in list(functions(assembly)):
        for kind, *_ in Function(body).findings():
            found[plain_name(name), kind] += 1
    for (name, kind), count in sorted(found.items()):
        print(f"{name}: {count} {kind}")


def control(assembly):
    """True if what leaks is not found, or what does not leak is."""
    found = {
        (plain_name(name), kind)
        for name, body in list(functions(assembly))
        for kind, *_ in Function(body).findings()
    }
    leaks = {
        ("branches", "conditional jump"),
        ("looks_up", "index"),
        ("divides", "division"),
        ("cbc::hidden::unpad", "conditional jump"),
    }
    missed = leaks - found
    if missed or "adds" in {name for name, _ in found}:
        print(f"the leaky control: missed {missed}, found {found}")
        return True
    return False


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["--control", assembly]:
            sys.exit(control(assembly))
        case [assembly]:
            dump(assembly)
        case [assembly, list_path]:
            sys.exit(main(assembly, list_path))
        case _:
            sys.exit(__doc__)
