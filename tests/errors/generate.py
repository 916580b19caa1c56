"""Random D programs for the tests: mostly sensible, often subtly wrong, sometimes noise.

`program(seed)` gives the same text for the same seed.  Four kinds take turns: programs
built from the language's parts with operands of the kind that is wanted most of the time,
the same with operands of any kind, valid scripts with characters and words changed, and
sequences of tokens.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from dscript.builtins.actions import ABSENT_ACTIONS, ACTIONS, AGGREGATING_FUNCTIONS
from dscript.builtins.subroutines import ABSENT_SUBROUTINES, SUBROUTINES
from dscript.builtins.variables import ABSENT_VARIABLES, BUILTIN_VARIABLES

PROBES = (
    "BEGIN",
    "END",
    "ERROR",
    "dtrace:::BEGIN",
    "syscall::read:entry",
    "syscall::read:return",
    "syscall::open*:entry",
    "syscall:::entry",
    "syscall:::return",
    "syscall::getppid:entry,syscall::getpid:return",
    "tick-10ms",
    "profile-97",
    "profile:::tick-1s",
    "sdt:sched::sched_switch",
    "rawtp:::sched_process_fork",
    "sdt:sched::sched*fork",
)
WRONG_PROBES = (
    *("syscall::nonesuch:entry", "fbt::vfs_read:entry", "pid1::main:entry", "nonesuch:::"),
    *("tick-0", "profile-99999999", "io:::start", "syscall:::nonesuch", "tick-5parsecs"),
)
TYPES = (
    "int",
    "char",
    "unsigned char",
    "short",
    "uint16_t",
    "long long",
    "uint32_t",
    "int64_t",
    "uint64_t",
    "unsigned long",
    "size_t",
    "string",
    "char *",
    "int *",
    "void *",
    "uintptr_t",
    "struct task_struct *",
    "struct list_head",
    "pair_t",
    "pair_t *",
    "struct pair",
    "enum color",
    "void",
    "float",
    "struct nowhere *",
    "int[4]",
)
INTEGERS = (
    *("0", "1", "-1", "2", "7", "8", "10", "0x7f", "0xff", "017", "255", "256", "1024", "65536"),
    *("0x7fffffff", "0x80000000", "4294967296", "0x7fffffffffffffff", "9223372036854775808"),
    *("18446744073709551615", "1u", "3L", "5ull", "'a'", "'\\n'", "'\\377'", "63", "64", "65"),
)
STRINGS = ('""', '"a"', '"hello world"', '"/usr/lib/x.so"', '"%d"', '"a,b;c"', '"\\tö\\x41\\0z"')
BINARY = (
    *("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "<", ">", "<=", ">=", "==", "!="),
    *("&&", "||", "^^"),
)
STRING_FUNCTIONS = (
    *("basename", "cleanpath", "dirname", "lltostr", "strchr", "strjoin", "strstr", "strtok"),
    *("substr", "copyinstr", "inet_ntop", "strrchr", "tolower", "toupper", "json"),
)
INTEGER_BUILTINS = tuple(
    name
    for name in BUILTIN_VARIABLES
    if name not in ("execname", "probeprov", "probemod", "probefunc", "probename", "curthread")
)
STRING_BUILTINS = ("execname", "probeprov", "probemod", "probefunc", "probename")
MEMBERS = ("pid", "tgid", "comm", "mm", "real_parent", "flags", "prev", "next", "a", "b", "name")
TASKS = (
    *("curthread", "curthread->real_parent", "((struct task_struct *)arg0)", "this->task"),
    *("curthread->group_leader", "((struct task_struct *)0)"),
)
TASK_MEMBERS = (
    *("pid", "tgid", "flags", "prio", "start_time", "comm[1]", "se.vruntime", "exit_state"),
    *("real_parent->pid", "mm->mm_users.counter", "sched_class", "in_execve", "thread_info.flags"),
)
CONVERSIONS = (
    *("%d", "%s", "%x", "%5d", "%-10s", "%*d", "%lld", "%u", "%c", "%p", "%Y", "%a", "%k", "%@d"),
    *("%i", "%hhd", "%.3s", "%%", "%", "%q", "%S", "%A", "%lu", "%08x", "%f", "%e", "%wc", "%C"),
)
DECLARATIONS = (
    "typedef struct pair { int a; char b; } pair_t;",
    "enum color { RED, GREEN = 5 };",
    "int count_of;",
    "string name_of;",
    "self int depth;",
    "this string path;",
    "self string label;",
    "int table[int];",
    "string names[int, string];",
    "self uint64_t stamps[string];",
    "pair_t pair_of;",
    "struct pair2 { int x:3; int y:5; struct { long z; }; char text[10]; };",
    "struct pair2 bits;",
    "inline int LIMIT = 10;",
    'inline string WORD = "word";',
    "inline int twice[int n] = n * 2;",
    "translator pair_t < struct task_struct *t > { a = t->pid; b = 'x'; };",
    "#pragma D option quiet",
    "#pragma D option strsize=64",
    "#pragma D option strsize=512",
    "#pragma D option stackframes=3",
    "int numbers[4];",
)

SCRIPTS = (
    """#!/usr/sbin/dtrace -s
#pragma D option quiet
syscall::read:entry, syscall::write:entry
/execname != "dscript" && arg2 > 0/
{
        self->ts = timestamp;
        self->fd = arg0;
        @calls[execname, probefunc] = count();
        @sizes[probefunc] = quantize(arg2);
}
syscall::read:return, syscall::write:return
/self->ts/
{
        this->delta = timestamp - self->ts;
        @times[self->fd, stack(2)] = lquantize(this->delta / 1000, 0, 100, 10);
        self->ts = 0;
        self->fd = 0;
}
tick-5s { trunc(@calls, 10); printa("%-20s %@d\\n", @calls); clear(@calls); }
END { printa(@times); printf("done %d %s\\n", pid, execname); }
""",
    """BEGIN { start = walltimestamp; depth[0, "x"] = 1; n = 0; }
profile-997 /pid != 0/ { @[execname, ustack(5)] = count(); n++; }
syscall::openat:entry
{
        this->path = copyinstr(arg1);
        files[this->path]++;
        printf("%Y %s(%d) opened %s, flags %x\\n", walltimestamp, execname, pid, this->path,
            arg2);
        trace(strlen(this->path) > 10 ? substr(this->path, 0, 10) : this->path);
}
tick-1s /n > 1000 || start == 0/ { exit(n > 5 ? 1 : 0); }
""",
    """typedef struct point { int x; int y; long z[3]; } point_t;
inline int LIMIT = 5;
inline string tag = "tag";
point_t origin;
self int nested;
BEGIN
{
        origin.x = 1; origin.y = -origin.x << 2; origin.z[1] = LIMIT;
        printf("%d %d %d\\n", origin.x, origin.y, sizeof (point_t));
        trace(tag);
        if (origin.x > LIMIT) { trace(1); } else if (origin.y) trace(2); else { trace(3); }
}
sdt:sched::sched_switch
{
        self->nested++;
        @a = avg(self->nested); @s = stddev(self->nested % 3); @m = max(curthread->prio);
        print(*curthread->mm); tracemem(curthread, 64);
        speculate(speculation());
}
ERROR { trace(arg4); }
""",
)


class Generator:
    """Writes D.  `sloppy` is how often an operand is of any kind instead of the wanted one."""

    def __init__(self, random_source: random.Random, sloppy: float) -> None:
        self.random = random_source
        self.sloppy = sloppy
        self.names = ("x", "y", "z", "count_of", "LIMIT", "RED", "arr[2]")
        self.string_names = ("s", "name_of", "WORD")

    def one(self, options: tuple[str, ...]) -> str:
        return self.random.choice(options)

    # ---------------------------------------------------------------------- expressions

    def expression(self, kind: str, depth: int) -> str:
        if self.random.random() < self.sloppy:
            kind = self.random.choice(("int", "int", "string", "pointer", "odd"))
        makers: dict[str, Callable[[int], str]] = {
            "int": self.integer,
            "string": self.string,
            "pointer": self.pointer,
            "odd": self.odd,
        }
        return makers[kind](depth)

    def integer(self, depth: int) -> str:
        roll = self.random.random()
        if depth <= 0 or roll < 0.3:
            pick = self.random.random()
            if pick < 0.4:
                return self.one(INTEGERS)
            if pick < 0.7:
                return self.one(INTEGER_BUILTINS)
            return self.one((*self.names, "self->i", "this->i", "self->depth", "$pid", "NULL"))
        lower = depth - 1
        if roll < 0.6:
            operator = self.one(BINARY)
            return f"({self.expression('int', lower)} {operator} {self.expression('int', lower)})"
        return self.one_of(
            lambda: f"{self.one(('-', '~', '!', '+'))}({self.expression('int', lower)})",
            lambda: f"(({self.one(TYPES[:10])}){self.expression('int', lower)})",
            lambda: self.conditional("int", lower),
            lambda: f"strlen({self.expression('string', lower)})",
            lambda: (
                f"({self.expression('string', lower)} {self.one(BINARY[10:16])} "
                f"{self.expression('string', lower)})"
            ),
            lambda: self.call(tuple(n for n in SUBROUTINES if n not in STRING_FUNCTIONS), lower),
            lambda: f"{self.place()}{self.one(('++', '--'))}",
            lambda: (
                f"({self.place()} {self.one(('=', '+=', '-=', '*=', '/=', '<<=', '|='))} "
                f"{self.expression('int', lower)})"
            ),
            lambda: f"sizeof({self.one((*TYPES[:19], 'x', '*curthread', 'execname'))})",
            lambda: f"arr[{self.expression('int', lower)}]",
            lambda: f"self->map[{self.expression('string', lower)}, 1]",
            lambda: f"{self.one(TASKS)}->{self.one(TASK_MEMBERS)}",
            lambda: f"*((int *)({self.expression('pointer', lower)}))",
            lambda: f"((pair_t *)({self.expression('pointer', lower)}))->{self.one(('a', 'b'))}",
            lambda: f"({self.one(TYPES[5:8])})({self.expression('pointer', lower)})",
            lambda: f"twice[{self.expression('int', lower)}]",
            lambda: f"pair_of.{self.one(('a', 'b'))}",
            lambda: f"bits.{self.one(('x', 'y', 'z', 'text[3]'))}",
            lambda: f"xlate <pair_t> (curthread).{self.one(('a', 'b'))}",
            lambda: f"({self.expression('string', lower)})[{self.expression('int', lower)}]",
        )

    def string(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.4:
            return self.one((*STRINGS, *STRING_BUILTINS, *self.string_names, "self->s", "this->s"))
        lower = depth - 1
        return self.one_of(
            lambda: self.call(STRING_FUNCTIONS, lower),
            lambda: f"strjoin({self.expression('string', lower)}, {self.string(lower)})",
            lambda: self.conditional("string", lower),
            lambda: f"stringof({self.expression('pointer', lower)})",
            lambda: f"(string){self.expression('pointer', lower)}",
            lambda: f"names[{self.expression('int', lower)}, {self.string(lower)}]",
            lambda: f"(this->s = {self.string(lower)})",
            lambda: "curthread->comm",
        )

    def pointer(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.4:
            return self.one(
                ("curthread", "(void *)arg0", "NULL", "(char *)arg1", "curthread->mm",
                 "curthread->real_parent", "(int *)0", "numbers", "self->p", "(pair_t *)arg2")
            )  # fmt: skip
        lower = depth - 1
        return self.one_of(
            lambda: f"({self.one(TYPES[12:15])})({self.expression('int', lower)})",
            lambda: f"({self.expression('pointer', lower)} + {self.integer(lower)})",
            lambda: f"copyin({self.expression('int', lower)}, {self.one(INTEGERS)})",
            lambda: f"alloca({self.one(INTEGERS)})",
            lambda: f"&{self.one(TASKS)}->{self.one(TASK_MEMBERS[:3])}",
            lambda: f"{self.one(TASKS)}->{self.one(('mm', 'real_parent', 'nsproxy'))}",
            lambda: self.conditional("pointer", lower),
        )

    def odd(self, depth: int) -> str:
        """What is seldom allowed where a value stands."""
        return self.one_of(
            lambda: f"@{self.one(('a', 'b', ''))}",
            lambda: "@k[1]",
            lambda: self.call(tuple(ACTIONS), depth - 1),
            lambda: self.call((*ABSENT_ACTIONS, *ABSENT_SUBROUTINES, "nonesuch"), depth - 1),
            lambda: self.call(tuple(AGGREGATING_FUNCTIONS), depth - 1),
            lambda: self.one((*ABSENT_VARIABLES, "nonesuch", "args[0]", "self->nonesuch")),
            lambda: self.one(("1.5", "2e10f", "$1", "$$1", "$target", "$nonesuch", "uregs[R_SP]")),
            lambda: "*curthread",
            lambda: f"({self.one(TYPES)})pair_of",
            lambda: "pair_of",
            lambda: "table",
            lambda: "(1, 2)",
            lambda: "`jiffies + *&`init_task",
            lambda: f"*({self.pointer(0)})",
            lambda: f"({self.pointer(0)})->{self.one(MEMBERS)}",
            lambda: f"offsetof({self.one(TYPES)}, {self.one(MEMBERS)})",
            lambda: f"xlate <{self.one(TYPES)}> ({self.integer(0)})",
            lambda: f"&{self.one((*self.names, 'self->i', '1', 'table[1]'))}",
            lambda: "numbers[7]",
            lambda: f"curthread.{self.one(MEMBERS)}",
        )

    def one_of(self, *makers: Callable[[], str]) -> str:
        return self.random.choice(makers)()

    def conditional(self, kind: str, depth: int) -> str:
        condition = self.expression("int", depth)
        return f"({condition} ? {self.expression(kind, depth)} : {self.expression(kind, depth)})"

    def place(self) -> str:
        if self.random.random() < self.sloppy / 2:
            return self.one(("1", "pid", "LIMIT", "table", "*curthread", "@a", "&x", "execname"))
        return self.one(
            ("x", "y", "z", "self->i", "this->i", "arr[1]", "arr[pid]", "table[2]", "numbers[1]",
             'self->map["k", 1]', "pair_of.a", "bits.x", "bits.y", "bits.text[2]", "self->depth")
        )  # fmt: skip

    def call(self, functions: tuple[str, ...], depth: int) -> str:
        name = self.one(functions)
        signature = SUBROUTINES.get(name)
        if signature is None or self.random.random() < self.sloppy / 4:
            count = self.random.randrange(4)
            return f"{name}({', '.join(self.expression('int', depth) for _ in range(count))})"
        most = len(signature.params)
        count = self.random.randint(signature.required, most)
        kinds = {"string": "string", "int": "int", "pointer": "pointer"}
        args = [self.expression(kinds.get(p, "int"), depth) for p in signature.params[:count]]
        return f"{name}({', '.join(args)})"

    # ----------------------------------------------------------------------- statements

    def statement(self, depth: int) -> str:
        return self.one_of(
            lambda: f"{self.place()} = {self.expression('int', depth)};",
            lambda: (
                f"{self.one(('s', 'self->s', 'this->s', 'name_of', 'names[1, execname]'))}"
                f" = {self.expression('string', depth)};"
            ),
            lambda: f"self->p = {self.expression('pointer', depth)};",
            lambda: (
                f"{self.place()} {self.one(('+=', '-=', '%=', '>>=', '^='))} "
                f"{self.expression('int', depth)};"
            ),
            lambda: f"trace({self.expression(self.one(('int', 'string', 'pointer')), depth)});",
            lambda: self.printf(depth),
            lambda: self.update(depth),
            lambda: self.update(depth),
            lambda: self.if_statement(depth),
            lambda: self.on_aggregation(depth),
            lambda: self.effect(depth),
            lambda: self.effect(depth),
            lambda: f"{self.expression('int', depth)};",
        )

    def printf(self, depth: int) -> str:
        parts, args = [], []
        for _ in range(self.random.randrange(5)):
            if self.random.random() < self.sloppy:
                parts.append(self.one(CONVERSIONS))
                args.append(self.expression("odd" if self.random.random() < 0.1 else "int", depth))
            else:
                conversion, kind = self.random.choice(
                    (("%d", "int"), ("%s", "string"), ("%x", "int"), ("%-10s", "string"),
                     ("%p", "pointer"), ("%5u", "int"), ("%c", "int"), ("%Y", "int"))
                )  # fmt: skip
                parts.append(conversion)
                args.append(self.expression(kind, depth))
        return f"printf({', '.join([chr(34) + ' '.join(parts) + chr(34), *args])});"

    def update(self, depth: int) -> str:
        name = self.one(("@a", "@b", "@c", "@d", "@", "@e"))
        keys = ""
        if self.random.random() < 0.6:
            kinds = [self.one(("int", "string", "int")) for _ in range(self.random.randint(1, 3))]
            texts = [
                self.one(("stack()", "ustack(3)", "usym(arg0)", "sym(arg0)"))
                if self.random.random() < 0.1
                else self.expression(kind, depth)
                for kind in kinds
            ]
            keys = f"[{', '.join(texts)}]"
        function = self.one(tuple(AGGREGATING_FUNCTIONS))
        value = self.expression("int", depth)
        arguments = {
            "count": "",
            "lquantize": f"{value}, {self.one(('0', '-10'))}, 100, {self.one(('1', '10', '-3'))}",
            "llquantize": f"{value}, 10, 0, 6, {self.one(('10', '20', '7'))}",
        }.get(function, value)
        if self.random.random() < self.sloppy / 2:
            count = self.random.randrange(6)
            arguments = ", ".join(self.expression("int", 0) for _ in range(count))
        # A name of its own for each function and number of keys keeps signatures apart.
        if self.random.random() >= self.sloppy:
            name = f"@{function}{len(keys)}_{self.random.randrange(1000)}"
        return f"{name}{keys} = {function}({arguments});"

    def if_statement(self, depth: int) -> str:
        then = f"if ({self.expression('int', depth)}) {{ {self.statement(depth - 1)} }}"
        if self.random.random() < 0.5:
            then += f" else {{ {self.statement(depth - 1)} }}"
        return then if depth > 0 else "trace(1);"

    def on_aggregation(self, depth: int) -> str:
        name = "@known"
        if self.random.random() < self.sloppy:
            name = self.one(("@a", "@b", "@", "@nonesuch"))
        return self.one_of(
            lambda: "@total[execname] = sum(arg0); printa(@total);",
            lambda: '@n[pid] = count(); printa("%d %@d\\n", @n);',
            lambda: f"clear({name});",
            lambda: f"trunc({name}, {self.one(INTEGERS)});",
            lambda: f"normalize({name}, {self.expression('int', depth)});",
            lambda: f'printa("%d %@{self.one(("d", "u", "x", "5d"))}", {name});',
            lambda: f"printa({name}, {self.one(('@known', '@other'))});",
            lambda: f"denormalize({name});",
        )

    def effect(self, depth: int) -> str:
        value = self.expression("int", depth)
        if self.random.random() < self.sloppy:
            return self.odd_effect(value, depth)
        return self.one_of(
            lambda: f"exit({value});",
            lambda: f"{self.one(('stack', 'ustack', 'jstack'))}({self.one(('', '1', '3', '20'))});",
            lambda: (
                f"tracemem({self.expression('pointer', depth)}, {self.one(('1', '64', '300'))});"
            ),
            lambda: f"print({self.expression(self.one(('int', 'string', 'pointer')), depth)});",
            lambda: "print(*curthread->sched_class);",
            lambda: f"sym({value});",
            lambda: f"usym({value});",
            lambda: "speculate(self->spec = speculation());",
            lambda: "self->spec = speculation();",
            lambda: f'system("echo %d", {value});',
            lambda: f"raise({value});",
            lambda: f'setopt("{self.one(("quiet", "aggsortrev"))}");',
            lambda: 'freopen("/dev/null");',
            lambda: f"bcopy({self.expression('pointer', depth)}, alloca(8), {value});",
            lambda: f"copyinto({value}, 16, alloca(16));",
        )

    def odd_effect(self, value: str, depth: int) -> str:
        """Actions that are wrong in most places, or absent."""
        return self.one_of(
            lambda: f"{self.expression('odd', depth)};",
            lambda: f"stack({self.one(INTEGERS)});",
            lambda: f"ustack({self.one(INTEGERS)}, {self.one(INTEGERS)});",
            lambda: f"tracemem({self.expression('pointer', depth)}, {self.one(INTEGERS)});",
            lambda: "print(*curthread);",
            lambda: "commit(self->spec);",
            lambda: "discard(1);",
            lambda: f"copyout({self.expression('pointer', depth)}, {value}, 8);",
            lambda: (
                f'setopt("{self.one(("quiet", "bufsize", "nonesuch"))}", "{self.one(INTEGERS)}");'
            ),
            lambda: f'freopen("/dev/null{self.one(("", "%d", "%s"))}");',
            lambda: f'printa("{self.one(CONVERSIONS)} {self.one(CONVERSIONS)}", @a);',
            lambda: f"trunc(@a, {value});",
            lambda: f"{self.one(('stop', 'panic', 'breakpoint'))}();",
            lambda: f"chill({value});",
        )

    # -------------------------------------------------------------------------- programs

    def clause(self) -> str:
        probe = self.one(PROBES)
        if self.random.random() < self.sloppy / 4:
            probe = self.one(WRONG_PROBES)
        predicate = f" /{self.expression('int', 2)}/" if self.random.random() < 0.3 else ""
        count = self.random.randrange(5)
        statements = "\n    ".join(
            self.statement(self.random.choice((0, 1, 1, 2, 3))) for _ in range(count)
        )
        return f"{probe}{predicate}\n{{\n    {statements}\n}}"

    def program(self) -> str:
        rng = self.random
        # Declarations that the names above rely on, most of the time all of them.
        if rng.random() < 1 - self.sloppy:
            chosen = [d for d in DECLARATIONS if not d.startswith("#")]
            chosen += rng.sample([d for d in DECLARATIONS if d.startswith("#")], rng.randrange(3))
        else:
            chosen = rng.sample(DECLARATIONS, rng.randrange(len(DECLARATIONS)))
        # Variables that appear by assignment, so that expressions may read them.
        first = (
            'BEGIN { x = 1; y = 2; z = 3; s = "s"; self->i = 1; self->s = "s"; '
            'arr[1] = 1; self->map["k", 1] = 1; self->p = (void *)0; self->spec = 0; '
            "@known[pid] = count(); @other[pid] = max(pid); this->task = curthread; }\n"
            if rng.random() < 1 - self.sloppy
            else ""
        )
        set_this = 'BEGIN { this->i = 1; this->s = "t"; }\n' if first else ""
        clauses = "\n".join(self.clause() for _ in range(rng.randint(1, 3)))
        return "\n".join(chosen) + "\n" + first + set_this + clauses + "\n"


def _mutated(rng: random.Random) -> str:
    """A valid script with a few characters, words or lines changed."""
    text = rng.choice(SCRIPTS)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.randint(1, 12))
        change = rng.randrange(6)
        if change == 0:
            text = text[:at] + text[end:]
        elif change == 1:
            text = text[:at] + rng.choice("{}()[]/;,<>@$`'\"\\#*?:=+-!~^&|%.\n\0é0a ") + text[at:]
        elif change == 2:
            text = text[:at] + text[at:end] * rng.randint(2, 4) + text[end:]
        elif change == 3:
            other = rng.choice(SCRIPTS)
            start = rng.randrange(len(other))
            text = text[:at] + other[start : start + rng.randint(1, 40)] + text[at:]
        elif change == 4:
            words = text.split(" ")
            first, second = rng.randrange(len(words)), rng.randrange(len(words))
            words[first], words[second] = words[second], words[first]
            text = " ".join(words)
        else:
            text = (
                text[:at]
                + chr(rng.choice((rng.randrange(128), rng.randrange(0x10000))))
                + (text[end:])
            )
    return text.encode("utf-8", "replace").decode()


_TOKENS = (
    *PROBES, *TYPES, *INTEGERS, *STRINGS, *BINARY, *CONVERSIONS, *ACTIONS, *SUBROUTINES,
    *AGGREGATING_FUNCTIONS, *BUILTIN_VARIABLES, *DECLARATIONS,
    "{", "}", "(", ")", "[", "]", ";", ",", "/", "@", "@a", "$", "$1", "$$2", "self->", "this->",
    "->", ".", "?", ":", "=", "if", "else", "inline", "translator", "provider", "typedef",
    "struct", "union", "enum", "sizeof", "offsetof", "stringof", "xlate", "/*", "*/", "//", "#",
    "#pragma D", "#line 3 \"x\"", "'", '"', "`", "`foo", "vmlinux`jiffies", "\\", "\n", "é", "\0",
)  # fmt: skip


def _soup(rng: random.Random) -> str:
    return rng.choice((" ", "", "\n")).join(rng.choice(_TOKENS) for _ in range(rng.randint(1, 60)))


def program(seed: int) -> str:
    """The program of a seed."""
    rng = random.Random(seed)
    kind = seed % 10
    if kind < 5:
        return Generator(rng, 0.003).program()
    if kind < 7:
        return Generator(rng, 0.15).program()
    return _mutated(rng) if kind < 9 else _soup(rng)
