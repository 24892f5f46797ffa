#!/usr/bin/python3
"""Checks an ONNX file with the ONNX project's own checker, shapes included.

    /usr/bin/python3 scripts/check-onnx.py RUN/model.onnx

Exit status: 0 valid, 1 not valid, 2 this version of the onnx package cannot tell.
"""

import sys

import onnx


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    path = sys.argv[1]
    model = onnx.load(path)
    opset = max((s.version for s in model.opset_import if s.domain in ("", "ai.onnx")), default=0)
    known = onnx.defs.onnx_opset_version()
    if opset > known:
        print(
            f"{path}: operator set {opset}, but onnx {onnx.__version__} knows sets up to {known}; "
            'use a newer one: pip install "onnx>=1.13"',
            file=sys.stderr,
        )
        return 2
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # the checker raises several unrelated classes
        print(f"{path}: {error}", file=sys.stderr)
        return 1
    values = lambda vs: ", ".join(
        f"{v.name} [{', '.join(d.dim_param or str(d.dim_value) for d in v.type.tensor_type.shape.dim)}]" for v in vs
    )
    print(f"{path}: valid, operator set {opset}, IR {model.ir_version}")
    print(f"  inputs {values(model.graph.input)}; outputs {values(model.graph.output)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
