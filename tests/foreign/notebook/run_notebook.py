"""Execute a notebook's code cells in order, and write the executed copy."""

import argparse
import contextlib
import io
import json
import sys
import traceback


def execute(notebook):
    space = {"__name__": "__main__"}
    count = 0
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        count += 1
        said = io.StringIO()
        print("Executing cell", count, file=sys.stderr)
        try:
            with contextlib.redirect_stdout(said):
                exec(compile("".join(cell["source"]), "cell %d" % count, "exec"), space)
        except Exception:
            traceback.print_exc()
            sys.exit("cell %d failed" % count)
        cell["execution_count"] = count
        cell["outputs"] = [
            {"output_type": "stream", "name": "stdout", "text": said.getvalue()}
        ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook")
    parser.add_argument("--output", required=True, help="where the executed copy goes")
    args = parser.parse_args()
    with open(args.notebook) as file:
        notebook = json.load(file)
    execute(notebook)
    with open(args.output, "w") as file:
        json.dump(notebook, file, indent=1)


if __name__ == "__main__":
    main()
