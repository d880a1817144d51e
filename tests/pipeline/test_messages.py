"""Messages arrive as they were sent, or are refused with a reason."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import MessageError
from pipeline.messages import (
    Catalogue,
    Done,
    LabelPolicy,
    ModelRef,
    Order,
    PlotEntry,
    decode,
    encode,
)

ORDER = Order(
    order_id="a" * 16,
    plot=PlotEntry(
        plot_type_id=1,
        name="CDC_occupancy",
        labels=(LabelPolicy(name="Good"),),
        thresholds={"Good": 0.5},
        model=ModelRef(
            model_id=1,
            digest="0" * 64,
            input_shape=(224, 224, 3),
            preprocessing="area-rgb",
            labels=("Good", "Bad"),
        ),
    ),
    run=101,
    period="NA",
    chunk=3,
    image_time=1.0,
    closed_time=2.0,
    sha256="f" * 64,
    path="/data/CDC_occupancy_0003.png",
)


def test_given_an_order_when_sent_and_received_then_it_is_the_same():
    message, frames = decode(encode(ORDER, [b"pixels", b"jpeg"]))
    assert message == ORDER
    assert frames == [b"pixels", b"jpeg"]


def test_given_a_missing_frame_when_encoded_then_the_expected_number_is_named():
    with pytest.raises(MessageError, match="takes 2 byte frames, 1 were given"):
        encode(ORDER, [b"pixels"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("run", -2), ("sha256", "xyz"), ("chunk", -1), ("path", ""), ("order_id", ""), ("extra", 1)],
)
def test_given_a_field_out_of_range_when_decoded_then_it_is_refused(field, value):
    header = msgspec.msgpack.decode(encode(ORDER, [b"", b""])[0])
    header[field] = value
    with pytest.raises(MessageError, match="does not fit"):
        decode([msgspec.msgpack.encode(header), b"", b""])


def test_given_another_schema_version_when_decoded_then_the_release_is_blamed():
    header = msgspec.msgpack.decode(encode(Catalogue(serial=1, plots=()))[0])
    header["v"] = 99
    with pytest.raises(MessageError, match="same release"):
        decode([msgspec.msgpack.encode(header)])


def test_given_superfluous_frames_when_decoded_then_they_are_refused():
    with pytest.raises(MessageError, match="takes 0 byte frames"):
        decode([*encode(Done(order_id="a", outcome="recorded")), b"more"])


@given(st.lists(st.binary(max_size=200), max_size=4))
def test_given_any_bytes_when_decoded_then_only_message_error_is_raised(parts):
    with pytest.raises(MessageError):
        decode(parts)
