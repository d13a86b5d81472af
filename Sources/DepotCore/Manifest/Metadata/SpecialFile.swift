/// What a name of a file system stands for that is no file, no folder and no link: something of the
/// kernel's, without content.
///
/// Its text is `fifo`, `socket`, `block 8:1` or `char 1:3`: of a device the major and the minor
/// number.
public enum SpecialFile: Sendable, Hashable {
    case fifo
    case socket
    case block(DeviceNumber)
    case character(DeviceNumber)

    /// Takes exactly what `description` gives.
    ///
    /// - Throws: `invalidArgument`.
    public init(_ text: String) throws(DepotError) {
        let parts = text.split(separator: " ", omittingEmptySubsequences: false)
        let number = parts.count == 2 ? DeviceNumber(parts[1]) : nil
        switch (parts.first, number) {
        case ("block", let number?): self = .block(number)
        case ("char", let number?): self = .character(number)
        case ("fifo", nil) where parts.count == 1: self = .fifo
        case ("socket", nil) where parts.count == 1: self = .socket
        default:
            throw DepotError(
                .invalidArgument,
                "a special file is 'fifo', 'socket', 'block MAJOR:MINOR' or 'char MAJOR:MINOR', "
                    + "with numbers up to \(DeviceNumber.majorMax) and \(DeviceNumber.minorMax)")
        }
    }

    public var isDevice: Bool {
        switch self {
        case .fifo, .socket: false
        case .block, .character: true
        }
    }

    /// For people, with its article.
    public var words: String {
        switch self {
        case .fifo: "a pipe"
        case .socket: "a socket"
        case .block(let number): "the block device \(number)"
        case .character(let number): "the character device \(number)"
        }
    }
}

extension SpecialFile: CustomStringConvertible {
    public var description: String {
        switch self {
        case .fifo: "fifo"
        case .socket: "socket"
        case .block(let number): "block \(number)"
        case .character(let number): "char \(number)"
        }
    }
}

/// Which device a special file stands for: two numbers as Linux takes them from `mknod(2)`, of 12
/// and 20 bits.
public struct DeviceNumber: Sendable, Hashable {
    public static let majorMax: UInt32 = 0xfff
    public static let minorMax: UInt32 = 0xf_ffff

    public let major: UInt32
    public let minor: UInt32

    /// `nil` for numbers that the kernel would cut off.
    public init?(major: UInt32, minor: UInt32) {
        guard major <= Self.majorMax, minor <= Self.minorMax else { return nil }
        self.major = major
        self.minor = minor
    }

    /// Takes exactly what `description` gives.
    init?(_ text: some StringProtocol) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = UInt32(parts[0]), let minor = UInt32(parts[1]) else {
            return nil
        }
        self.init(major: major, minor: minor)
        guard description.utf8.elementsEqual(text.utf8) else { return nil }
    }
}

extension DeviceNumber: CustomStringConvertible {
    public var description: String { "\(major):\(minor)" }
}
