"""The bounded runs that every room's fuzz targets go through: a target raises what is not declared, and nothing else."""

from hypothesis import strategies as st


def feed_beginnings(target, seeds):
    """Give the target each seed and every beginning of it; there must be seeds."""
    assert seeds
    for seed in seeds:
        data = seed.read_bytes()
        for size in range(len(data) + 1):
            target(data[:size])


def feed_mutation(target, seeds, data):
    """Give the target noise, or a seed with bytes replaced, removed or inserted, as hypothesis draws."""
    if data.draw(st.booleans()):
        target(data.draw(st.binary(max_size=300)))
        return
    raw = bytearray(data.draw(st.sampled_from(seeds)).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 4)))
        raw[start:end] = data.draw(st.binary(max_size=4))
    target(bytes(raw))


def feed_monotony(target, byte):
    """Give the target 64 KiB of one byte."""
    target(bytes((byte,)) * 65_536)
