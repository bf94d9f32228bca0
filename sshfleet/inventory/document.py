"""YAML text becomes a small tree of texts, mappings and lists that know their places.

Built from the parser's event stream, which is flat: no nesting and no alias can make it recurse or
explode, as they make PyYAML's own composer and whatever walks its result.

Rule 1: only the plain part of YAML: no anchors, aliases, tags, second documents, duplicate keys.
Rule 2: a text is what stands in the file; nothing is turned into numbers, dates or booleans.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from sshfleet.inventory.finding import HOW_TO_GET_ONE
from sshfleet.inventory.problems import Place, Problems, quoted
from sshfleet.inventory.source import LINE_END

DEEPEST = 20
NULLS = frozenset({"", "~", "null", "Null", "NULL"})
PLAIN_YAML = "an inventory is plain YAML: write each value out where it is needed"


Mark = Any
"""Where something stands: `yaml.error.Mark` or its twin in C; line and column count from 0."""


class Scalar(NamedTuple):
    """One text; `plain` means without quotes."""

    mark: Mark
    text: str
    plain: bool

    @property
    def at(self) -> Place:
        """Return where it begins."""
        return place_of(self.mark)

    @property
    def is_null(self) -> bool:
        """Tell whether nothing is said here."""
        return self.plain and self.text in NULLS


class Table(NamedTuple):
    """A mapping; no key twice, entries in the order of the file."""

    mark: Mark
    entries: "dict[str, tuple[Scalar, Node]]"

    @property
    def at(self) -> Place:
        """Return where it begins."""
        return place_of(self.mark)


class List(NamedTuple):
    """A list, in the order of the file."""

    mark: Mark
    items: "tuple[Node, ...]" = ()

    @property
    def at(self) -> Place:
        """Return where it begins."""
        return place_of(self.mark)


Node = Scalar | Table | List


class Unfinished(NamedTuple):
    """A mapping or list whose end has not come yet; a mapping's keys and values alternate."""

    mark: Mark
    is_table: bool
    children: list[Node]


def parse(text: str, problems: Problems) -> Node:
    """Parse YAML text; what is merely not allowed is noted, what ends reading is raised."""
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        roots = build(allowed(yaml.parse(text, Loader=loader), problems), problems)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = place_of(mark) if mark else Place(1, 1)
        reason = ": ".join(part for part in (error.context, error.problem) if part)
        problems.stop(at, f"not valid YAML: {reason}", syntax_hint(text, at))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        # The parser written in Python lets int() and chr() fail on absurd versions and escapes.
        problems.stop(Place(1, 1), f"not valid YAML: {quoted(str(error))}", PLAIN_YAML)
    if not roots:
        problems.stop(Place(1, 1), "the inventory is empty", HOW_TO_GET_ONE)
    return roots[0]


def syntax_hint(text: str, at: Place) -> str:
    """Say where to look; a tab in the indentation looks right and is not."""
    lines = LINE_END.split(text)
    line = lines[at.line - 1] if at.line <= len(lines) else ""
    indentation = line[: len(line) - len(line.lstrip())]
    if "\t" in indentation:
        return "indent with blanks: YAML takes no tabs"
    return "look at this line and the one above: a quote, a colon or the indentation is wrong"


def allowed(events: Iterable[Any], problems: Problems) -> Iterator[Any]:
    """Pass the parser's events on, noting the parts of YAML that an inventory does without."""
    import yaml

    documents = 0
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            if message := forbidden(event):
                problems.note(place_of(event.start_mark), message, PLAIN_YAML)
        elif isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                message = "a second document begins here: an inventory has one"
                problems.stop(place_of(event.start_mark), message, "remove the line `---`")
        yield event


def forbidden(event: Any) -> str:
    """Say which forbidden part of YAML a node needs, empty text when none."""
    is_alias = not hasattr(event, "tag")
    if event.anchor is not None:
        return "an alias (*) is not allowed" if is_alias else "an anchor (&) is not allowed"
    return "" if is_alias or event.tag is None else "a tag (!) is not allowed"


def build(events: Iterable[Any], problems: Problems) -> list[Node]:
    """Build the tree of the document; an empty file has none."""
    import yaml

    roots: list[Node] = []
    unfinished: list[Unfinished] = []
    children = roots
    for event in events:
        if isinstance(event, yaml.ScalarEvent):
            children.append(Scalar(event.start_mark, event.value, event.implicit[0]))
        elif isinstance(event, yaml.CollectionStartEvent):
            is_table = isinstance(event, yaml.MappingStartEvent)
            unfinished.append(Unfinished(event.start_mark, is_table, []))
            children = unfinished[-1].children
            if len(unfinished) > DEEPEST:
                at = place_of(event.start_mark)
                problems.stop(at, f"nested deeper than {DEEPEST} levels", PLAIN_YAML)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = finish(unfinished.pop(), problems)
            children = unfinished[-1].children if unfinished else roots
            children.append(done)
        elif isinstance(event, yaml.AliasEvent):
            # Only keeps keys and values in step: the alias itself is noted as a problem already.
            children.append(List(event.start_mark))
    return roots


def finish(node: Unfinished, problems: Problems) -> Table | List:
    """Close a mapping or list; a mapping's keys are texts, and each stands there once."""
    if not node.is_table:
        return List(node.mark, tuple(node.children))
    entries: dict[str, tuple[Scalar, Node]] = {}
    for key, value in zip(node.children[::2], node.children[1::2], strict=True):
        if not isinstance(key, Scalar):
            problems.note(key.at, "a key must be one text", "write `key: value`")
        elif key.text in entries:
            first = entries[key.text][0].at.line
            message = f"duplicate key {quoted(key.text)}, first on line {first}"
            problems.note(key.at, message, "keep one of the two")
        else:
            entries[key.text] = (key, value)
    return Table(node.mark, entries)


def place_of(mark: Mark) -> Place:
    """Return where a mark points to."""
    return Place(mark.line + 1, mark.column + 1)
