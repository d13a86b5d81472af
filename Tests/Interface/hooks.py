"""What schemathesis is kept from asking: names that are no paths, which its expressions do not rule out. Tests of names do."""

import urllib.parse

import schemathesis


def is_path(name):
    """Whether it is the name of a path, and no list or object, which a path would make a name of."""
    name = urllib.parse.unquote(name)
    if name[:1] in "[{":
        return False
    parts = name.split("/")
    return not any(part in ("", ".", "..") for part in parts) and not any(
        ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in name)


@schemathesis.hook
def filter_path_parameters(_context, parameters):
    name = (parameters or {}).get("name")
    return not isinstance(name, str) or is_path(name)


@schemathesis.hook
def filter_query(_context, parameters):
    # What is wrong in another way comes as something else, and an empty prefix is the whole depot.
    if not isinstance(parameters, dict | None):
        return True
    prefix = (parameters or {}).get("prefix")
    return not isinstance(prefix, str) or is_path(prefix or "all")
