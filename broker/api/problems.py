"""Problems as answers: every code with its status and its words in English and Vietnamese (protocol §4, RFC 9457)."""

import json
import uuid
from dataclasses import dataclass

from broker.errors import Code, Refused
from broker.policy.reasons import Language

TYPE = "https://interagency-broker.example/problems/"


@dataclass(frozen=True, slots=True)
class Words:
    """A code's HTTP status, its title, and what a duty officer is told in Vietnamese."""

    status: int
    title: str
    title_vi: str
    detail_vi: str


PROBLEMS: dict[Code, Words] = {
    "too-large": Words(413, "Too large", "Quá lớn", "Nội dung gửi đến vượt quá giới hạn của trạm."),
    "header-too-large": Words(431, "Header too large", "Tiêu đề quá lớn", "Tiêu đề của yêu cầu vượt quá giới hạn."),
    "unsupported-media-type": Words(
        415, "Unsupported media type", "Kiểu nội dung không được hỗ trợ", "Trạm không nhận kiểu nội dung này ở đây."
    ),
    "malformed": Words(400, "Malformed", "Sai khuôn dạng", "Bản tin không đúng khuôn dạng của giao thức."),
    "untrusted": Words(
        403, "Untrusted", "Không tin cậy", "Không có khóa nào trong danh bạ bảo đảm cho bản tuyên bố này."
    ),
    "conflict": Words(409, "Conflict", "Xung đột", "Một bản tuyên bố khác đã được tiếp nhận với cùng mã số."),
    "key-not-valid": Words(
        403, "Key not valid", "Khóa không có hiệu lực", "Khóa không có hiệu lực lúc ký hoặc lúc này."
    ),
    "stale": Words(409, "Stale", "Quá hạn ký", "Bản tuyên bố không được ký trong vòng năm phút vừa qua."),
    "wrong-audience": Words(403, "Wrong audience", "Sai mạng lưới", "Bản tuyên bố dành cho một mạng lưới khác."),
    "invalid-statement": Words(
        422, "Invalid statement", "Tuyên bố không hợp lệ", "Bản tuyên bố có điều mà giao thức không cho phép."
    ),
    "outside-mandate": Words(
        403, "Outside the mandate", "Ngoài thẩm quyền", "Cơ quan gửi không có thẩm quyền nói điều này."
    ),
    "terms": Words(
        403, "Terms contradict", "Điều kiện mâu thuẫn", "Điều kiện xử lý và địa chỉ nhận không đi cùng nhau."
    ),
    "neutrality": Words(
        403, "Declaration missing", "Thiếu cam kết trung lập", "Thiếu cam kết của bên gửi theo Điều 3 Điều lệ INTERPOL."
    ),
    "no-legal-basis": Words(
        403, "No legal basis", "Thiếu căn cứ pháp lý", "Dữ liệu cá nhân cần căn cứ pháp lý và ngày xóa hợp lệ."
    ),
    "part-mismatch": Words(422, "Part mismatch", "Phần không khớp", "Một phần đính kèm không phải là phần đã được ký."),
    "invalid-part": Words(422, "Invalid part", "Phần không hợp lệ", "Một phần nói khác với bản tuyên bố."),
    "busy": Words(503, "Busy", "Đang bận", "Trạm tạm thời không tiếp nhận được; hãy gửi lại đúng các byte này sau."),
    "unauthenticated": Words(401, "Unauthenticated", "Chưa xác thực", "Cần mã truy cập hợp lệ cho lời gọi này."),
    "insufficient-scope": Words(
        403, "Insufficient scope", "Không đủ phạm vi", "Mã truy cập không có phạm vi cần thiết."
    ),
    "not-found": Words(404, "Not found", "Không tìm thấy", "Ở đây không có gì dành cho bạn dưới tên này."),
    "gone": Words(410, "Gone", "Không còn nữa", "Nội dung này không còn được lưu giữ."),
    "invalid-request": Words(422, "Invalid request", "Yêu cầu không hợp lệ", "Yêu cầu không đúng như lời gọi này cần."),
}


TOO_MANY = 429
"""The other status of `busy`."""


def status_of(refused: Refused) -> int:
    """The HTTP status of the code (protocol §4)."""
    return TOO_MANY if refused.too_many else PROBLEMS[refused.code].status


def statuses_of(code: Code) -> tuple[int, ...]:
    """Those that a refusal with this code can have."""
    return (PROBLEMS[code].status, TOO_MANY) if code == "busy" else (PROBLEMS[code].status,)


def new_instance() -> str:
    """What a client can quote, and an operator finds in the log."""
    return uuid.uuid4().urn


def problem_body(refused: Refused, accept_language: str | None, instance: str) -> bytes:
    """The JSON of the problem, in the language that the client prefers."""
    words = PROBLEMS[refused.code]
    vietnamese = prefers_vietnamese(accept_language)
    problem: dict[str, object] = {
        "type": TYPE + refused.code,
        "title": words.title_vi if vietnamese else words.title,
        "status": status_of(refused),
        "code": refused.code,
        "detail": words.detail_vi if vietnamese else refused.detail,
        "errors": [{"path": fault.path, "expected": fault.expected} for fault in refused.faults],
        "instance": instance,
    }
    return json.dumps(problem | refused.more, ensure_ascii=False, separators=(",", ":")).encode()


def prefers_vietnamese(accept_language: str | None) -> bool:
    """By the weights of RFC 9110 §12.5.4; English where neither is asked for."""
    best = {"vi": 0.0, "en": 0.0}
    for item in (accept_language or "")[:1_000].split(","):
        tag, _, weight = item.partition(";")
        language = tag.strip().lower().split("-")[0]
        if language in best:
            best[language] = max(best[language], _weight(weight))
    return best["vi"] > best["en"]


def language_of(accept_language: str | None) -> Language:
    """The language that the client prefers, of the two."""
    return Language.VI if prefers_vietnamese(accept_language) else Language.EN


def _weight(text: str) -> float:
    try:
        return float(text.strip().removeprefix("q=")) if text.strip() else 1.0
    except ValueError:
        return 0.0
