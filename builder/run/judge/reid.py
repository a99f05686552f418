"""Check a ReID function's reply against what CVAT's server accepts."""

from builder.run.judge.values import is_whole, json_type


def judge(reply: object, boxes0: int, boxes1: int) -> list[str]:
    """Return the faults of a ReID function's reply.

    Args:
        reply: the decoded JSON.
        boxes0, boxes1: number of boxes in the request, of the first and of the second frame.

    Returns:
        One message per fault, with its place in the reply; empty if CVAT accepts the reply.
    """
    if not isinstance(reply, list):
        return [f"the reply is {json_type(reply)}, not a list of numbers"]
    faults = []
    if len(reply) != boxes0:
        faults.append(f"the reply has {len(reply)} entries for {boxes0} boxes of the first frame")
    seen: dict[int, int] = {}
    for place, match in enumerate(reply):
        if not is_whole(match):
            faults.append(f"[{place}]: {match!r} is not a whole number")
        elif not -1 <= match < boxes1:
            allowed = f"-1 to {boxes1 - 1}" if boxes1 else "-1"
            faults.append(
                f"[{place}]: {match} is not a box of the second frame; allowed: {allowed}"
            )
        elif match >= 0 and match in seen:
            faults.append(
                f"[{place}]: box {match} is already matched to box {seen[match]}; CVAT would "
                "create two tracks from one box"
            )
        else:
            seen[match] = place
    return faults
