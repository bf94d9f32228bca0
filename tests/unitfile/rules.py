"""How the tests of this folder read an [X-Fleet] section."""

import pytest

from sshfleet.errors import UnitFileError
from sshfleet.model.requirements import Requirements
from sshfleet.model.unit import UnitName
from sshfleet.unitfile.syntax import parse
from sshfleet.unitfile.xfleet import requirements

ID = "3547a4df9a0c4b6f8e21d7c35a90b1ef"


def rules(*lines: str, name: str = "web.service") -> Requirements:
    """Read a section; its first option is in line 2."""
    text = "\n".join(["[X-Fleet]", *lines])
    return requirements(parse(text, "web.service"), UnitName(name))


def refused(*lines: str, name: str = "web.service") -> UnitFileError:
    """Return the error that such a section deserves."""
    with pytest.raises(UnitFileError) as caught:
        rules(*lines, name=name)
    assert caught.value.place.startswith("web.service:")
    assert caught.value.hint
    return caught.value
