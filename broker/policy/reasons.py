"""What rules say, and what would change it: a stable code each, and its sentence in English and Vietnamese.

Rules return codes; nothing else words a decision. What a sentence is about stands beside it, in what was looked at.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Language(StrEnum):
    """In which a decision is told."""

    EN = "en"
    VI = "vi"


class Reason(StrEnum):
    """Why a rule of release says what it says (protocol §9)."""

    DIRECTORY_EXPIRED = "directory-expired"
    PUBLIC_HAS_FEEDS = "public-has-feeds"
    NO_ACTIVE_AGENCY = "no-active-agency"
    ACTIVE_AGENCY = "active-agency"
    AWAITING = "awaiting-approval"
    RECALLED = "recalled"
    COMPROMISED = "compromised"
    SUSPENDED = "suspended"
    ENDED = "ended"
    STANDS = "stands"
    PUBLIC_GETS_ACTUAL = "public-gets-actual"
    STATUS_ASKED = "status-asked"
    ACCEPTED_UNDER_UNKNOWN = "accepted-under-unknown"
    NONE_EXCLUDED_FOR_ALL = "none-excluded-for-all"
    EXCLUDED = "excluded"
    NOT_EXCLUDED = "not-excluded"
    DIRECTLY = "directly"
    SELECTOR_NAMES = "selector-names"
    TLP_LEAVES_PATH = "tlp-leaves-path"
    CHARTER_ADMITS = "charter-admits"
    AGREEMENT_COVERS = "agreement-covers"
    PURPOSE_COMMON = "purpose-common"
    PURPOSE_NEEDED = "purpose-needed"
    PERSONAL_DATA_ORDERED = "personal-data-ordered"
    CAVEATS_ALLOW = "caveats-allow"
    WAY_PROTECTS = "way-protects"
    HUB_SERVES = "hub-serves"
    HUB_EXCLUDED = "hub-excluded"
    HUB_RELAYS = "hub-relays"
    SOURCES_ALLOW = "sources-allow"
    NO_PART_TERMS = "no-part-terms"
    PART_TERMS = "part-terms"
    NOTHING_TO_SAY = "nothing-to-say"


class ChangeCode(StrEnum):
    """One thing that could be otherwise, and then the decision would be."""

    RELEASE_TO = "add-to-release-to"
    TO = "add-to-to"
    NOT_NOT_TO = "take-out-of-not-to"
    CONSENT = "consent"
    SOURCE_CONSENT = "consent-of-source"
    BOUND_TOKEN = "bound-token"  # noqa: S105 - a code
    WAY = "another-way"
    STATUS = "ask-for-status"
    PURPOSE_ASKED = "ask-for-purpose"
    PURPOSE_ALLOWED = "allow-purpose"
    READ = "read-by-id"
    SUSPENSION = "withdraw-suspension"
    TLP = "lower-tlp"
    LEGAL_BASIS = "state-legal-basis"
    ERASE_LATER = "erase-later"
    NO_CAVEAT = "leave-out-caveat"
    CAVEAT_RULE = "rule-for-caveat"
    ADMIT = "admit-to-community"
    TIER = "community-takes-tier"
    COUNTRY = "community-takes-country"
    AGREEMENT = "new-agreement"
    ACTIVE = "agency-becomes-active"
    DIRECTORY = "new-directory"
    NO_SELECTOR = "take-out-of-addressing"
    AGREEMENT_ENDS = "agreement-ends"
    NOT_TO = "add-to-not-to"


@dataclass(frozen=True, slots=True)
class Words:
    """One sentence in both languages; a change's has places for what it is about."""

    en: str
    vi: str

    def told(self, language: Language, **about: str) -> str:
        """In that language."""
        return (self.vi if language is Language.VI else self.en).format(**about)


REASONS: Final[dict[Reason, Words]] = {
    Reason.DIRECTORY_EXPIRED: Words("The directory has expired.", "Danh bạ đã hết hiệu lực."),
    Reason.PUBLIC_HAS_FEEDS: Words("The public has feeds alone.", "Công chúng chỉ nhận qua nguồn tin công khai."),
    Reason.NO_ACTIVE_AGENCY: Words(
        "The reader is not an active agency of the directory.",
        "Bên nhận không phải cơ quan đang hoạt động trong danh bạ.",
    ),
    Reason.ACTIVE_AGENCY: Words(
        "The reader is an active agency, and a feed knows none.",
        "Bên nhận là cơ quan đang hoạt động; nguồn tin công khai không biết cơ quan nào.",
    ),
    Reason.AWAITING: Words("A second officer has not approved it.", "Cán bộ thứ hai chưa phê duyệt."),
    Reason.RECALLED: Words("Its issuer has recalled it.", "Cơ quan phát hành đã thu hồi."),
    Reason.COMPROMISED: Words(
        "It was signed when its key may have been in other hands.",
        "Bản tin được ký khi khóa có thể đã lọt vào tay kẻ khác.",
    ),
    Reason.SUSPENDED: Words("A reviewer has suspended it.", "Cơ quan thẩm định đã tạm đình chỉ."),
    Reason.ENDED: Words(
        "It has expired, was cancelled or was superseded, so it is not delivered any more.",
        "Bản tin đã hết hạn, bị hủy hoặc được thay thế nên không chuyển nữa.",
    ),
    Reason.STANDS: Words("It stands.", "Bản tin còn hiệu lực."),
    Reason.PUBLIC_GETS_ACTUAL: Words(
        "The public gets what is actual alone.", "Công chúng chỉ nhận tin thật, không nhận tin diễn tập hay thử."
    ),
    Reason.STATUS_ASKED: Words(
        "The status must be one that the subscription names.", "Trạng thái phải là loại mà đăng ký nhận tin có nêu."
    ),
    Reason.ACCEPTED_UNDER_UNKNOWN: Words(
        "The directory at acceptance is not known here.", "Ở đây không có danh bạ của lúc tiếp nhận."
    ),
    Reason.NONE_EXCLUDED_FOR_ALL: Words(
        "What somebody may not have, everybody may not have.",
        "Điều mà có bên không được nhận thì không thể công khai cho mọi người.",
    ),
    Reason.EXCLUDED: Words("not_to excludes the reader.", "Bên nhận bị loại trừ trong not_to."),
    Reason.NOT_EXCLUDED: Words("The reader must not be excluded.", "Bên nhận không được nằm trong diện loại trừ."),
    Reason.DIRECTLY: Words("It goes directly to whom it answers.", "Bản tin chuyển thẳng tới bên mà nó trả lời."),
    Reason.SELECTOR_NAMES: Words(
        "Some selector must name the reader, at acceptance and now.",
        "Địa chỉ nhận phải nêu bên nhận, cả lúc tiếp nhận và lúc này.",
    ),
    Reason.TLP_LEAVES_PATH: Words("The TLP must leave a path.", "Mức TLP phải còn để lại một đường tới bên nhận."),
    Reason.CHARTER_ADMITS: Words(
        "A community's charter must admit the reader: tier, nationality, moderation.",
        "Điều lệ cộng đồng phải chấp nhận bên nhận: loại tổ chức, quốc gia, kiểm duyệt.",
    ),
    Reason.AGREEMENT_COVERS: Words(
        "An agreement from the issuer to the reader must cover all of this.",
        "Phải có thỏa thuận từ bên phát hành tới bên nhận bao quát mọi điều này.",
    ),
    Reason.PURPOSE_COMMON: Words("A purpose is common to all three.", "Cả ba bên có chung một mục đích."),
    Reason.PURPOSE_NEEDED: Words(
        "Handling, agreement and subscription need a purpose in common.",
        "Điều kiện xử lý, thỏa thuận và đăng ký nhận tin phải có chung một mục đích.",
    ),
    Reason.PERSONAL_DATA_ORDERED: Words(
        "Personal data needs a basis and a later erasure.", "Dữ liệu cá nhân cần căn cứ pháp lý và ngày xóa chưa tới."
    ),
    Reason.CAVEATS_ALLOW: Words("Each caveat must allow the reader.", "Mỗi điều kiện riêng phải cho phép bên nhận."),
    Reason.WAY_PROTECTS: Words(
        "The way must protect what it carries.", "Đường truyền phải bảo vệ được mức TLP của nội dung."
    ),
    Reason.HUB_SERVES: Words(
        "The directory must say that this hub serves the reader.", "Danh bạ phải ghi rằng trạm này phục vụ bên nhận."
    ),
    Reason.HUB_EXCLUDED: Words("The hub's operator is excluded.", "Cơ quan vận hành trạm bị loại trừ."),
    Reason.HUB_RELAYS: Words(
        "The hub's operator must hold relay for this issuer and this TLP.",
        "Cơ quan vận hành trạm phải có quyền chuyển tiếp cho bên phát hành này ở mức TLP này.",
    ),
    Reason.SOURCES_ALLOW: Words(
        "Every source must be known here and let itself be passed on to the reader.",
        "Mọi nguồn gốc phải được biết ở đây và cho phép chuyển tiếp tới bên nhận.",
    ),
    Reason.NO_PART_TERMS: Words("No part has terms of its own.", "Không phần nào có điều kiện riêng."),
    Reason.PART_TERMS: Words("Each part is asked about by its own terms.", "Mỗi phần được xét theo điều kiện riêng."),
    Reason.NOTHING_TO_SAY: Words("This rule has nothing to say here.", "Quy tắc này không liên quan ở đây."),
}

CHANGES: Final[dict[ChangeCode, Words]] = {
    ChangeCode.RELEASE_TO: Words("Add {agency} to release_to.", "Thêm {agency} vào release_to."),
    ChangeCode.TO: Words("Add {agency} to `to`.", "Thêm {agency} vào `to`."),
    ChangeCode.NOT_NOT_TO: Words("Take {selector} out of not_to.", "Bỏ {selector} khỏi not_to."),
    ChangeCode.CONSENT: Words("The originator consents to {agency}.", "Cơ quan phát hành đồng ý chuyển cho {agency}."),
    ChangeCode.SOURCE_CONSENT: Words(
        "The issuer of {alert} consents to {agency}.", "Cơ quan phát hành {alert} đồng ý chuyển cho {agency}."
    ),
    ChangeCode.BOUND_TOKEN: Words(
        "The reader comes with a DPoP-bound token.", "Bên nhận dùng mã truy cập gắn khóa (DPoP)."
    ),
    ChangeCode.WAY: Words("It goes by {way}.", "Chuyển qua {way}."),
    ChangeCode.STATUS: Words(
        "The reader asks for the status {status}.", "Bên nhận đăng ký nhận cả trạng thái {status}."
    ),
    ChangeCode.PURPOSE_ASKED: Words("The reader asks for {purpose}.", "Bên nhận nêu mục đích {purpose}."),
    ChangeCode.PURPOSE_ALLOWED: Words("Allow the purpose {purpose}.", "Cho phép dùng vào mục đích {purpose}."),
    ChangeCode.READ: Words(
        "The reader reads it by its id: there it is still given, marked.",
        "Bên nhận đọc theo mã số: ở đó bản tin vẫn được trao, có đánh dấu.",
    ),
    ChangeCode.SUSPENSION: Words("The reviewer withdraws the suspension.", "Cơ quan thẩm định rút lại đình chỉ."),
    ChangeCode.TLP: Words("Mark it TLP:{tlp}.", "Hạ xuống TLP:{tlp}."),
    ChangeCode.LEGAL_BASIS: Words(
        "State the legal basis of the personal data.", "Nêu căn cứ pháp lý của dữ liệu cá nhân."
    ),
    ChangeCode.ERASE_LATER: Words("State a date of erasure that lies ahead.", "Nêu một ngày xóa chưa tới."),
    ChangeCode.NO_CAVEAT: Words("Leave out the caveat {caveat}.", "Bỏ điều kiện riêng {caveat}."),
    ChangeCode.CAVEAT_RULE: Words(
        "The directory's rule for the caveat {caveat} allows {agency}.",
        "Quy định của danh bạ về điều kiện riêng {caveat} cho phép {agency}.",
    ),
    ChangeCode.ADMIT: Words(
        "A moderator of {community} admits {agency}.", "Điều phối viên {community} chấp nhận {agency}."
    ),
    ChangeCode.TIER: Words("{community} takes members of tier {tier}.", "{community} nhận thành viên loại {tier}."),
    ChangeCode.COUNTRY: Words(
        "{community} takes members of {country}.", "{community} nhận thành viên thuộc {country}."
    ),
    ChangeCode.AGREEMENT: Words(
        "An agreement {issuer} → {agency} covering {covering}.",
        "Một thỏa thuận {issuer} → {agency} bao quát {covering}.",
    ),
    ChangeCode.ACTIVE: Words("{agency} becomes active in the directory.", "{agency} trở lại hoạt động trong danh bạ."),
    ChangeCode.DIRECTORY: Words("A new version of the directory is published.", "Công bố phiên bản danh bạ mới."),
    ChangeCode.NO_SELECTOR: Words("Take {selector} out of the addressing.", "Bỏ {selector} khỏi địa chỉ nhận."),
    ChangeCode.AGREEMENT_ENDS: Words("{name} ends.", "{name} chấm dứt."),
    ChangeCode.NOT_TO: Words("Add {agency} to not_to.", "Thêm {agency} vào not_to."),
}
