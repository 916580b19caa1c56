"""D programs found in scripts, wrappers and documents, with their places in the file."""

from __future__ import annotations

import pytest

from dscript.port.programs import Program, macro_arguments, programs_in


def one(path: str, text: str) -> Program:
    programs = programs_in(path, text)
    assert len(programs) == 1
    return programs[0]


def test_script_with_options_in_its_first_line() -> None:
    text = "#!/usr/sbin/dtrace -CZqs\nBEGIN { exit(0); }\n"
    program = one("a", text)
    assert program.source == text
    assert set(program.options) == {"cpp", "zdefs", "quiet"}
    assert program.wrapped == ""


@pytest.mark.parametrize(
    "line", ["#! /usr/sbin/dtrace -qs", "#!/usr/bin/env -S dtrace -qs", "#!/usr/bin/env dtrace -qs"]
)
def test_forms_of_the_first_line(line: str) -> None:
    assert one("a", f"{line}\nBEGIN {{ }}\n").options == {"quiet": ""}


def test_variables_take_their_first_text() -> None:
    text = "#!/bin/sh\nmax=7\n[ $1 ] && max=$1\ndtrace -n 'inline int MAX = '$max'; BEGIN { }'\n"
    assert one("a", text).source == "inline int MAX = 7; BEGIN { }"


def test_unknown_values_are_neutral() -> None:
    text = """#!/bin/sh
dtrace -n 'inline string N = "'"$1"'"; tick-'`hostid`'s { trace('$(date +%s)'); }'
"""
    assert one("a", text).source == 'inline string N = "1"; tick-1s { trace(1); }'


def test_defaults_of_parameters() -> None:
    assert one("a", "#!/bin/ksh\ndtrace -n 'tick-'${1:-30}'s { }'\n").source == "tick-30s { }"


def test_program_in_a_variable() -> None:
    text = """#!/usr/bin/sh
prog='
BEGIN { x = 1; }'
prog="$prog"'
END { trace(x); }'
case $1 in
-p) /usr/sbin/dtrace -n "$prog" -x evaltime=exec -p $2 ;;
esac
"""
    program = one("a", text)
    assert program.source == "\nBEGIN { x = 1; }\nEND { trace(x); }"
    assert program.targeted
    assert program.options == {"evaltime": "exec"}


def test_here_documents_expand_unless_quoted() -> None:
    plain = "#!/bin/bash\nu=5\ndtrace -s /dev/stdin <<E\nBEGIN { trace($u); trace(\\$1); }\nE\n"
    assert one("a", plain).source == "BEGIN { trace(5); trace($1); }\n"
    quoted = "#!/bin/bash\ndtrace -s - 3 <<-'E'\n\tBEGIN { trace($1); }\n\tE\n"
    program = one("a", quoted)
    assert program.source == "\tBEGIN { trace($1); }\n"
    assert program.arguments == ("3",)


def test_process_substitution() -> None:
    text = "#!/bin/ksh\ndtrace -Cs <( print -r '\n#define N 3\nBEGIN { trace(N); }' ) $x\n"
    program = one("a", text)
    assert program.source == "\n#define N 3\nBEGIN { trace(N); }"
    assert program.options == {"cpp": ""}


def test_quotes_within_quotes() -> None:
    text = """#!/bin/sh
dtrace -n 'BEGIN { trace('\\'\\\\0\\''); }'
"""
    assert one("a", text).source == "BEGIN { trace('\\0'); }"


def test_comments_and_documents_of_the_shell_are_no_programs() -> None:
    text = """#!/bin/sh
# dtrace -n 'BEGIN { wrong'
cat <<END
don't: dtrace -n 'syscall:::entry { also wrong'
END
if true; then exec dtrace -qn 'BEGIN { exit(0); }'; fi
"""
    assert one("a", text).source == "BEGIN { exit(0); }"


def test_listing_and_external_scripts_are_passed_over() -> None:
    assert programs_in("a", "#!/bin/sh\ndtrace -l\ndtrace -s other.d\ndtrace -ln 'io:::'\n") == []


def test_perl_interpolates() -> None:
    text = """#!/usr/bin/perl
my $what = "arg0";   # isn't it
my $cmd = <<END;
/usr/sbin/dtrace -n 'BEGIN { \\@a[$what] = count(); } END { printa("%d\\\\n", \\@a); }'
END
open(D, "$cmd |");
"""
    expected = 'BEGIN { @a[arg0] = count(); } END { printa("%d\\n", @a); }'
    assert one("a", text).source == expected


def test_lines_of_a_document() -> None:
    text = """It's a list:

  # dtrace -n 'BEGIN { exit(0); }'
$ sudo dtrace -qn 'tick-1s
  { exit(0); }' -p 1
and what dtrace -n means isn't told.
"""
    first, second = programs_in("oneliners.txt", text)
    assert first.source == "BEGIN { exit(0); }"
    assert second.source == "tick-1s\n  { exit(0); }"
    assert second.targeted


def test_scripts_without_a_first_line() -> None:
    assert one("counts", "/* Reads. */\nsyscall::read:entry { @ = count(); }\n").wrapped == ""
    assert one("counts", "#pragma D option quiet\nBEGIN { exit(0); }\n").wrapped == ""


def test_what_holds_no_d() -> None:
    assert programs_in("report.md", "# Reads\n\nsyscall::read:entry { @ = count(); }\n") == []
    assert programs_in("README", "A text: about nothing { }\n") == []
    assert programs_in("x.sh", "#!/bin/sh\necho hello\n") == []


def test_places_lead_back_to_the_file() -> None:
    text = "#!/bin/sh\nn=4\ndtrace -n 'BEGIN { trace('$n'); exit(0); }'\n"
    content = one("a", text).texts[0].content
    at = content.text.index("exit")
    place = content.place(at, at + 4)
    assert place is not None
    assert text[place[0] : place[1]] == "exit"
    # The value of $n stands elsewhere than its surroundings.
    assert content.place(content.text.index("(4"), content.text.index("4)") + 1) is None


def test_arguments_for_the_places_they_are_used_in() -> None:
    assert macro_arguments(one("a.d", "syscall::$1:entry { trace($2); }")) == ("read", "1")
    assert macro_arguments(one("a.d", "profile-$1 { }")) == ("97",)
    assert macro_arguments(one("a.d", "BEGIN { }")) == ()


def test_a_variable_that_becomes_a_program() -> None:
    text = "#!/bin/sh\nd=/usr/sbin/dtrace\nd='BEGIN { }'\n/usr/sbin/dtrace -n \"$d\"\n"
    assert one("a", text).source == "BEGIN { }"
