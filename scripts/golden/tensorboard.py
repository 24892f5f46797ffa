"""A golden TensorBoard event file, made by Google's protobuf library and a CRC computed bit by bit.

Run from the root of the project: python3 scripts/golden/tensorboard.py
Needs python3-protobuf. Writes test/golden/events.bin.
"""

import struct
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

OUT = Path(__file__).resolve().parents[2] / "test" / "golden" / "events.bin"
TYPE = descriptor_pb2.FieldDescriptorProto
# Field numbers and types as TensorFlow documents them in event.proto and summary.proto.
MESSAGES = {
    "Image": [("height", 1, "int32"), ("width", 2, "int32"), ("colorspace", 3, "int32"), ("encoded_image_string", 4, "bytes")],
    "Histo": [(n, k + 1, "double") for k, n in enumerate(["min", "max", "num", "sum", "sum_squares"])]
    + [("bucket_limit", 6, "double*"), ("bucket", 7, "double*")],
    "Value": [("tag", 1, "string"), ("simple_value", 2, "float"), ("image", 4, "Image"), ("histo", 5, "Histo")],
    "Summary": [("value", 1, "Value*")],
    "Event": [("wall_time", 1, "double"), ("step", 2, "int64"), ("file_version", 3, "string"), ("summary", 5, "Summary")],
}


def message_classes():
    file = descriptor_pb2.FileDescriptorProto(name="events.proto", package="golden", syntax="proto3")
    for message, fields in MESSAGES.items():
        descriptor = file.message_type.add(name=message)
        choice = message == "Value"
        if choice:
            descriptor.oneof_decl.add(name="value")
        for name, number, kind in fields:
            field = descriptor.field.add(name=name, number=number)
            field.label = TYPE.LABEL_REPEATED if kind.endswith("*") else TYPE.LABEL_OPTIONAL
            kind = kind.rstrip("*")
            if kind in MESSAGES:
                field.type, field.type_name = TYPE.TYPE_MESSAGE, f".golden.{kind}"
            else:
                field.type = getattr(TYPE, f"TYPE_{kind.upper()}")
            if choice and name != "tag":
                field.oneof_index = 0
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"golden.{name}")) for name in MESSAGES}


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if (crc ^ (byte >> bit)) & 1 else 0)
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def record(payload):
    length = struct.pack("<Q", len(payload))
    return length + struct.pack("<I", masked(length)) + payload + struct.pack("<I", masked(payload))


def main():
    assert crc32c(b"123456789") == 0xE3069283
    c = message_classes()

    def event(step, **value):
        value = c["Value"](**value)
        return c["Event"](wall_time=1700000000.25, step=step, summary=c["Summary"](value=[value]))

    histogram = c["Histo"](min=-1, max=2, num=4, sum=2, sum_squares=6, bucket_limit=[-0.5, 0.5, 2], bucket=[1, 1, 2])
    events = [
        c["Event"](wall_time=1700000000.25, file_version="brain.Event:2"),
        event(0, tag="loss/train", simple_value=0.0),
        event(1, tag="loss/train", simple_value=0.7),
        event(300, tag="Läsion/naïve", simple_value=-1.5e-8),
        event(2**40, tag="weights", histo=histogram),
        event(3, tag="grid", image=c["Image"](height=200, width=3, colorspace=3, encoded_image_string=b"\x89PNG\x00")),
    ]
    OUT.write_bytes(b"".join(record(e.SerializeToString(deterministic=True)) for e in events))


main()
