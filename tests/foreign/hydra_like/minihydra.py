"""Config groups and overrides, as the big one does it, in one small file."""

import datetime
import functools
import os
import pathlib
import sys


class Config(dict):
    def __getattr__(self, name):
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name)

    def __setattr__(self, name, value):
        self[name] = value


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False, "null": None}.get(text, text)


def _read(path):
    config, defaults = Config(), []
    for line in path.read_text().splitlines():
        line = line.split("#")[0].rstrip()
        if not line or line == "defaults:":
            continue
        if line.lstrip().startswith("- "):
            group, name = line.lstrip()[2:].split(": ")
            defaults.append((group, name))
        else:
            key, _, value = line.partition(": ")
            config[key] = _value(value)
    return config, defaults


def _compose(folder, name, overrides):
    config, defaults = _read(folder / (name + ".yaml"))
    chosen = dict(defaults)
    plain = []
    for override in overrides:
        key, sign, value = override.partition("=")
        if not sign:
            sys.exit("Error: override %r is not of the form key=value" % override)
        if key in chosen:
            chosen[key] = value
        else:
            plain.append((key.split("."), value))
    for group, option in chosen.items():
        config[group] = _read(folder / group / (option + ".yaml"))[0]
    for keys, value in plain:
        place = config
        for key in keys[:-1]:
            place = place[key]
        if keys[-1] not in place:
            sys.exit("Could not override %r: no such key" % ".".join(keys))
        place[keys[-1]] = _value(value)
    return config


def _dump(config, depth=0):
    lines = []
    for key, value in sorted(config.items()):
        if isinstance(value, dict):
            lines.append("  " * depth + key + ":")
            lines += _dump(value, depth + 1)
        else:
            lines.append("  " * depth + "%s: %s" % (key, value))
    return lines


_ORIGINAL = os.getcwd()


def to_absolute_path(path):
    return os.path.join(_ORIGINAL, path)


def main(config_path, config_name):
    def wrap(function):
        @functools.wraps(function)
        def run():
            folder = pathlib.Path(sys.argv[0]).resolve().parent / config_path
            config = _compose(folder, config_name, sys.argv[1:])
            now = datetime.datetime.now()
            out = pathlib.Path("outputs") / now.strftime("%Y-%m-%d") / now.strftime("%H-%M-%S")
            (out / ".hydra").mkdir(parents=True, exist_ok=True)
            (out / ".hydra" / "config.yaml").write_text("\n".join(_dump(config)) + "\n")
            os.chdir(out)
            try:
                return function(config)
            finally:
                os.chdir(_ORIGINAL)

        return run

    return wrap
