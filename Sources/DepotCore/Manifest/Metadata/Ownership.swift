/// Whose a file is: numbers as the kernel has them, and the names that stood for them, where there
/// were some.
public struct Ownership: Sendable, Hashable, Codable {
    /// As useradd takes them at most, with room to spare.
    public static let nameSizeMax = 255

    public let user: UInt32
    public let group: UInt32
    /// 1 to 255 bytes of UTF-8 without control characters.
    public let userName: String?
    public let groupName: String?

    /// - Throws: `invalidArgument` for a name that is none.
    public init(
        user: UInt32, group: UInt32, userName: String? = nil, groupName: String? = nil
    ) throws(DepotError) {
        for name in [userName, groupName] {
            guard let name else { continue }
            guard (1...Self.nameSizeMax).contains(name.utf8.count),
                !name.unicodeScalars.contains(where: \.isControl)
            else {
                throw DepotError(
                    .invalidArgument,
                    "the name of a user or group has 1 to \(Self.nameSizeMax) bytes and no control "
                        + "character")
            }
        }
        self.user = user
        self.group = group
        self.userName = userName
        self.groupName = groupName
    }

    private enum CodingKeys: String, CodingKey {
        case user, group, userName, groupName
    }

    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            user: values.decode(UInt32.self, forKey: .user),
            group: values.decode(UInt32.self, forKey: .group),
            userName: values.decodeIfPresent(String.self, forKey: .userName),
            groupName: values.decodeIfPresent(String.self, forKey: .groupName))
    }
}
