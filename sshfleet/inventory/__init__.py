"""The YAML file of machines becomes a `Fleet`; what is wrong in it is told as file:line:column.

    finding.py    which file
    loading.py    file -> text -> tree -> sections -> Fleet
    source.py     bytes to text
    document.py   text to a tree that knows the place of everything; hostile YAML ends here
    schema.py     the table of keys, and how a section is read by it
    values.py     what a single value must look like
    hosts.py      the same for what ssh is told
    problems.py   collects what is wrong, reports the first

Rule 1: text stays as written: `no`, `0123`, `1.10` and `12:30:00` never become something else.
Rule 2: nothing is guessed: an unknown key or an odd value is an error, not a default.
"""

from sshfleet.inventory.finding import find_inventory
from sshfleet.inventory.loading import load_inventory

__all__ = ["find_inventory", "load_inventory"]
