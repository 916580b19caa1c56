"""Trees print to text that parses back to the same tree, whatever the tree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from syntax_trees import PROGRAMS

from dscript.source import Source
from dscript.syntax import ast
from dscript.syntax.parser import parse
from dscript.syntax.printer import print_program


@settings(
    derandomize=True,
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(PROGRAMS)
def test_print_and_parse(program: ast.Program) -> None:
    text = print_program(program)
    assert parse(Source("generated", text)) == program


@pytest.mark.parametrize(
    "text",
    [
        "BEGIN\n/ *p/\n{\n}\n",
        "BEGIN\n{\n\t- -x;\n\t& &x;\n\ta - --b;\n}\n",
        "BEGIN\n{\n\t(foo)(-p);\n}\n",
        "typedef int (*fn_t)(int a, char b);\nBEGIN\n{\n\t(fn_t)-a;\n}\n",
        "syscall:::entry;\n",
    ],
)
def test_canonical_text_is_kept(text: str) -> None:
    assert print_program(parse(Source("canonical", text))) == text
