"""Unit names: what passes is safe in a path, an argument and a shell's single quotes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sshfleet.errors import UnitFileError
from sshfleet.model.unit import (
    KINDS,
    TEMPLATE_KINDS,
    checked_name,
    instance_of,
    is_template,
    mangled,
    template_of,
)

stems = st.text("azAZ09:_.\\@-", max_size=12)
name_like = st.tuples(stems, st.sampled_from([*KINDS, "target", ""])).map(".".join)


def refused(name: str) -> UnitFileError:
    with pytest.raises(UnitFileError) as caught:
        checked_name(name)
    assert caught.value.hint
    assert caught.value.message.isprintable()
    return caught.value


def is_name(text: str) -> bool:
    try:
        return checked_name(text) == text
    except UnitFileError:
        return False


@pytest.mark.parametrize(
    ("argument", "name"),
    [
        ("foo", "foo.service"),
        ("foo.1", "foo.1.service"),
        ("a/b.socket", "b.socket"),
        ("./units/web@1", "web@1.service"),
        ("foo.target", "foo.target.service"),
        ("foo.SERVICE", "foo.SERVICE.service"),
        ("service", "service.service"),
        ("web@*", "web@*.service"),
    ],
)
def test_an_argument_becomes_a_name_as_in_fleetctl(argument: str, name: str) -> None:
    assert mangled(argument) == name


@pytest.mark.parametrize("argument", ["", "/", "..", "a/", ".", ".service", "units/.service"])
def test_an_argument_without_a_base_name_becomes_no_name(argument: str) -> None:
    refused(mangled(argument))


@pytest.mark.parametrize(
    "name",
    [
        "web.service",
        "web@.service",
        "web@1.service",
        "foo.1@2.service",
        "a@b@c.timer",
        "dev-disk\\x2dby.mount",
        "0:_.\\-.path",
        *(f"x.{kind}" for kind in KINDS),
        *(f"x@1.{kind}" for kind in TEMPLATE_KINDS),
        "x" * 247 + ".service",
    ],
)
def test_names_that_fleet_and_systemd_take_are_taken(name: str) -> None:
    assert checked_name(name) == name


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "it needs a name and a kind"),
        ("web", "it needs a name and a kind"),
        (".service", "it needs a name and a kind"),
        ("web.", "'.' is none of .service"),
        ("web.target", "'.target' is none of .service"),
        ("web.Service", "'.Service' is none of .service"),
        ("x" * 248 + ".service", "longer than 255"),
        ("x@1.mount", "a .mount unit cannot be a template"),
        ("@1.service", "may not begin with '@'"),
        ("-H evil.service", "only letters"),
        ("-Hevil.service", "may not begin with '-'"),
        ("--root=/.service", "only letters"),
        ("..service", "may not begin with '.'"),
        ("../../x.service", "only letters"),
        ("foo@{1..3}.service", "only letters"),
        ("web.service\n", "'.service\\n' is none of"),
        ("a\nb.service", "only letters"),
        ("a\0.service", "only letters"),
        ("a b.service", "only letters"),
        ("$(reboot).service", "only letters"),
        ("`reboot`.service", "only letters"),
        ("a;b.service", "only letters"),
        ("a'b.service", "only letters"),
        ("web%i.service", "only letters"),
        ("café.service", "only letters"),
        ("web\u0661.service", "only letters"),
        ("web.\x1b[31m", "'.\\x1b[31m' is none of"),
        ("\udcff.service", "only letters"),
    ],
)
def test_every_other_name_is_refused_with_its_reason(name: str, why: str) -> None:
    assert why in refused(name).message


def test_a_long_bad_name_is_shown_short() -> None:
    assert len(refused("\x1b" * 10_000 + ".service").message) < 300


@given(st.text() | name_like | st.text().map(lambda stem: stem + ".service"))
def test_no_name_that_passes_can_do_harm(text: str) -> None:
    if is_name(text):
        assert re.fullmatch(r"[\w:.\\@-]+", text, re.ASCII)
        assert 0 < len(text.encode()) <= 255
        assert text[0] not in "-.@"
        assert mangled(text) == text


@given(name_like)
def test_a_name_is_its_template_filled_with_its_instance(text: str) -> None:
    template = template_of(text)
    if is_name(text) and template is not None:
        assert is_name(template)
        assert is_template(template)
        assert not is_template(text)
        assert template.replace("@.", f"@{instance_of(text)}.", 1) == text


@pytest.mark.parametrize(
    ("name", "template", "instance"),
    [
        ("web@1.service", "web@.service", "1"),
        ("foo@bar@baz.service", "foo@.service", "bar@baz"),
        ("foo.1@2.3.service", "foo.1@.service", "2.3"),
        ("web@.service", None, ""),
        ("web.service", None, ""),
    ],
)
def test_names_part_at_the_first_at_sign_and_the_last_dot(
    name: str, template: str | None, instance: str
) -> None:
    assert template_of(name) == template
    assert instance_of(name) == instance


def test_only_a_name_with_nothing_after_its_at_sign_is_a_template() -> None:
    assert [
        n for n in ("a@.service", "a@b.service", "a@b@.service", "a.service") if is_template(n)
    ] == ["a@.service"]
