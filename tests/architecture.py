"""The rules of the architecture as tables, and a checker that reads source text.

To change a rule, change its table here, with the reason. What the checker cannot see: imports
made by `importlib` with a computed name, and an order that comes from iterating over a set.
"""

import ast
import io
import sys
import tokenize
from collections.abc import Iterator

# Each part, and what it may import of the package besides itself.
MAY_IMPORT: dict[str, frozenset[str]] = {
    "errors": frozenset(),
    "model": frozenset({"errors"}),
    "unitfile": frozenset({"errors", "model"}),
    "systemd": frozenset({"errors", "model"}),
    "render": frozenset({"errors", "model"}),
    "journal": frozenset({"errors", "model"}),
    "transport": frozenset({"errors", "model"}),
    "inventory": frozenset({"errors", "model"}),
    "plan": frozenset({"errors", "model", "unitfile"}),
    "exchange": frozenset({"errors", "model", "systemd", "transport.base"}),
    "observe": frozenset({"errors", "model", "exchange", "systemd", "transport.base"}),
    "stop": frozenset(),
    "apply": frozenset({"errors", "model", "exchange", "stop", "systemd", "transport.base"}),
    "contact": frozenset({"errors", "model"}),
    "ownership": frozenset({"errors", "model"}),
    "memory": frozenset({"errors", "model"}),
    "clock": frozenset(),
    "fence": frozenset({"errors", "model"}),
    "leases": frozenset(
        {"errors", "model", "plan", "clock", "memory", "systemd", "transport.base"}
    ),
    "insight": frozenset(
        {"errors", "model", "plan", "clock", "memory", "leases", "transport.base"}
    ),
    "command": frozenset(
        {"errors", "model", "plan", "apply", "insight", "memory", "stop", "transport.base"}
    ),
    "looking": frozenset(
        {"errors", "model", "plan", "command", "leases", "observe", "transport.base"}
    ),
    "converge": frozenset(
        {
            "command",
            "looking",
            "errors",
            "model",
            "plan",
            "contact",
            "ownership",
            "memory",
            "insight",
            "leases",
            "stop",
            "apply",
            "transport.base",
        }
    ),
    "adopt": frozenset(
        {
            "errors",
            "model",
            "plan",
            "contact",
            "ownership",
            "memory",
            "stop",
            "observe",
            "apply",
            "systemd",
            "transport.base",
        }
    ),
    "lab": frozenset({"errors", "model"}),
}
# The composition root names every part, and only `python -m sshfleet` names it.
MAY_IMPORT["cli"] = frozenset({*MAY_IMPORT})
MAY_IMPORT["__main__"] = frozenset({"cli"})
MAY_IMPORT["__init__"] = frozenset()

# One third-party library, one home; msgspec reads and writes JSON and YAML where that is done.
HOMES: dict[str, frozenset[str]] = {
    "asyncssh": frozenset({"transport"}),
    "yaml": frozenset({"inventory"}),
    "rich": frozenset({"render"}),
    "typer": frozenset({"cli"}),
    "msgspec": frozenset({"journal", "inventory", "render"}),
}

ASYNC = frozenset(
    """adopt apply cli converge exchange fence insight leases looking observe stop
    transport""".split()  # noqa: SIM905 - as below
)

# No I/O, no clock, no randomness, no logging: the same arguments give the same answer.
PURE = frozenset({"errors", "model", "unitfile", "plan", "systemd", "render"})
IMPURE_MODULES = frozenset(
    """asyncio builtins concurrent contextvars ctypes fcntl fileinput getpass glob http importlib io
    locale logging mmap multiprocessing os platform pwd random secrets select selectors shutil
    signal socket socketserver sqlite3 ssl subprocess syslog tempfile termios threading time
    tty urllib uuid warnings""".split()  # noqa: SIM905 - forty quoted names would hide what is listed
)
IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__", "breakpoint"})
IMPURE_METHODS = frozenset({"now", "utcnow", "today", "fromtimestamp"})
# Modules of which only some names are pure.
PURE_NAMES: dict[str, frozenset[str]] = {
    "sys": frozenset({"intern", "maxsize"}),
    "pathlib": frozenset({"PurePath", "PurePosixPath"}),
}

MAX_FILE, MAX_FUNCTION = 300, 50  # lines of code: blanks, comments and docstrings do not count


def violations(module: str, source: str) -> list[str]:
    """Return what breaks a rule in one module, as `module:line: words`.

    `module` is the dotted name without the package, such as `plan.board`, or a path below tests.
    """
    tree = ast.parse(source)
    found = [*_sizes(tree, source)]
    if not module.startswith("tests/"):
        found += [*_imports(module, tree), *_effects(module, tree)]
    return [f"{module}:{line}: {words}" for line, words in sorted(found)]


Finding = tuple[int, str]


def _imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield each imported name in full: `from a.b import c` is a.b.c."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = "." * node.level + (f"{node.module}." if node.module else "")
            yield from ((node.lineno, start + alias.name) for alias in node.names)


def _imports(module: str, tree: ast.AST) -> Iterator[Finding]:
    part = module.partition(".")[0]
    if part not in MAY_IMPORT:
        yield 1, f"{part} has no row in MAY_IMPORT"
        return
    for line, name in _imported(tree):
        top = name.partition(".")[0]
        if name.startswith("."):
            yield line, f"relative import of {name}"
        elif top == "sshfleet":
            target = name.removeprefix("sshfleet").lstrip(".")
            if target != "__version__" and not _is_below(target, {part, *MAY_IMPORT[part]}):
                yield line, f"{part} may not import {target or 'the whole package'}"
        elif top not in sys.stdlib_module_names and part not in HOMES.get(top, ()):
            yield line, f"{part} is no home of {top}"


def _is_below(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def _effects(module: str, tree: ast.AST) -> Iterator[Finding]:
    part = module.partition(".")[0]
    if part not in ASYNC:
        for node in ast.walk(tree):
            if isinstance(node, ast.AsyncFunctionDef):
                yield node.lineno, f"{part} may not be async"
    if part in PURE:
        yield from _impure_imports(part, tree)
        yield from _impure_uses(part, tree)


def _impure_imports(part: str, tree: ast.AST) -> Iterator[Finding]:
    for line, name in _imported(tree):
        top, _, member = name.partition(".")
        if top in IMPURE_MODULES:
            yield line, f"{part} is pure and may not import {top}"
        elif member and member not in PURE_NAMES.get(top, {member}):
            yield line, f"{part} is pure and may not use {name}"


def _impure_uses(part: str, tree: ast.AST) -> Iterator[Finding]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in IMPURE_CALLS:
            yield node.lineno, f"{part} is pure and may not call {node.id}()"
        elif isinstance(node, ast.Attribute):
            if node.attr in IMPURE_METHODS:
                yield node.lineno, f"{part} is pure and may not ask for .{node.attr}()"
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            if node.attr not in PURE_NAMES.get(owner, {node.attr}):
                yield node.lineno, f"{part} is pure and may not use {owner}.{node.attr}"


def _sizes(tree: ast.Module, source: str) -> Iterator[Finding]:
    code = _code_lines(tree, source)
    if len(code) > MAX_FILE:
        yield 1, f"{len(code)} lines of code, more than {MAX_FILE}"
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = len(code & {*range(node.lineno, (node.end_lineno or 0) + 1)})
            if size > MAX_FUNCTION:
                yield node.lineno, f"{node.name} has {size} lines of code, more than {MAX_FUNCTION}"


def _code_lines(tree: ast.Module, source: str) -> set[int]:
    lines: set[int] = set()
    layout = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in layout and token.string:
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):  # a bare string is a docstring
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            lines.difference_update(range(node.lineno, (node.end_lineno or 0) + 1))
    return lines
