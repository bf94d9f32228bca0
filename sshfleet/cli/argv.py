"""What fleetctl let people type: global options after the verb, verbs cut short, `--l` for `-l`.

Rule 1: nothing after `--`, and nothing of the command that `ssh` runs, is ours.
Rule 2: where a verb has an option of the same name, the verb's wins after the verb.
Rule 3: a verb may be cut short as long as it fits one verb only, or one that begins all the others.
"""

from collections.abc import Collection, Sequence

from sshfleet.errors import UsageError

WITH_VALUE = {
    "-i", "--inventory", "--journal", "-o", "--output", "--known-hosts-file",
    "--strict-host-key-checking", "-F", "--ssh-config", "--ssh-username", "--ssh-timeout",
    "--timeout", "--forks", "--lock-wait", "--keep-history",
}  # fmt: skip
FLAGS = {"--no-color", "--debug", "--quiet", "--allow-network-fs"}

OWN = {
    "drain": {"--timeout"},
    "journal": {"-o", "--output"},
    "lab": {"-i", "--inventory"},
}
# The options of `ssh` that take a value; its first other word begins the machine or the command.
SSH_WITH_VALUE = {"--machine", "--unit"}
# fleetctl knew its short options by these names only, and host keys were checked or not.
SPELLINGS = {
    "--l": "-l",
    "--f": "-f",
    "--A": "-A",
    "--h": "-h",
    "--strict-host-key-checking=true": "--strict-host-key-checking=ask",
    "--strict-host-key-checking=false": "--strict-host-key-checking=no",
}


def hoisted(words: Sequence[str], verbs: Collection[str] = ()) -> list[str]:
    """Return the words with the global options in front, then the verb, in full.

    Raises UsageError when a verb cut short fits several of `verbs`.
    """
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
            front.extend((SPELLINGS.get(word, word), *words[index + 1 : index + taken]))
        elif verb or word.startswith("-"):
            rest.append(SPELLINGS.get(word, word))
        else:
            verb = in_full(word, verbs)
            rest.append(verb)
        index += taken or 1
    return front + rest


def verb_of(words: Sequence[str]) -> str:
    """Return the verb of words that `hoisted` returned; an option, or nothing, where none is."""
    index = 0
    while index < len(words) and (taken := _global(words[index], set())):
        index += taken
    return words[index] if index < len(words) else ""


def in_full(word: str, verbs: Collection[str]) -> str:
    """Return the one verb that begins so; the word itself when there is none."""
    fitting = sorted(verb for verb in verbs if verb.startswith(word))
    if word in verbs or not word or not fitting:
        return word
    if all(verb.startswith(fitting[0]) for verb in fitting):  # fleet's `journal`, `journal-repair`
        return fitting[0]
    if len(fitting) > 1:
        raise UsageError(
            f"'{word}' may be short for several verbs: {', '.join(fitting)}",
            hint="write enough of the verb that only one begins so",
        )
    return fitting[0]


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
    return not word.startswith("-") and before not in SSH_WITH_VALUE | WITH_VALUE
