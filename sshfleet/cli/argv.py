"""Global options may stand before or after the verb: bring them to the front, where typer looks.

Rule 1: nothing after `--`, and nothing of the command that `ssh` runs, is ours.
Rule 2: where a verb has an option of the same name, the verb's wins after the verb.
"""

from collections.abc import Sequence

WITH_VALUE = {
    "-i", "--inventory", "--journal", "-o", "--output", "--known-hosts-file",
    "--strict-host-key-checking", "-F", "--ssh-config", "--ssh-username", "--ssh-timeout",
    "--timeout", "--forks",
}  # fmt: skip
FLAGS = {"--no-color", "--debug", "--quiet"}

OWN = {
    "journal": {"-o", "--output"},
    "lab": {"-i", "--inventory"},
}
# The options of `ssh` that take a value; its first other word begins the machine or the command.
SSH_WITH_VALUE = {"--machine", "--unit"}


def hoisted(words: Sequence[str]) -> list[str]:
    """Return the words with the global options in front of the verb."""
    front: list[str] = []
    rest: list[str] = []
    verb = ""
    index = 0
    while index < len(words):
        word = words[index]
        if word == "--" or (verb == "ssh" and _starts_command(words, index)):
            rest.extend(words[index:])
            break
        taken = _global(word, OWN.get(verb, set()))
        if taken:
            front.extend(words[index : index + taken])
        else:
            rest.append(word)
            verb = verb or ("" if word.startswith("-") else word)
        index += taken or 1
    return front + rest


def _global(word: str, own: set[str]) -> int:
    """Return how many words a global option takes, 0 when it is none."""
    name, equals, _ = word.partition("=")
    if word in FLAGS:
        return 1
    if word.startswith("--"):
        return (1 if equals else 2) if name in WITH_VALUE - own else 0
    if word in WITH_VALUE - own:
        return 2
    return 1 if word[:2] in WITH_VALUE - own and len(word) > 2 else 0


def _starts_command(words: Sequence[str], index: int) -> bool:
    """Tell whether the words of `ssh` from here on are its machine and command."""
    word, before = words[index], words[index - 1]
    return not word.startswith("-") and word != "ssh" and before not in SSH_WITH_VALUE | WITH_VALUE
