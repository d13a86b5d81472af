/// Until when a version of a file may not go, whoever asks.
public struct Retention: Sendable, Hashable, Codable {
    public enum Mode: String, Sendable, Hashable, Codable {
        /// An administrator may let it go sooner.
        case governance
        case compliance
    }

    /// A time, in seconds since 1970, with the mode that it has.
    public struct Term: Sendable, Hashable, Codable {
        public let mode: Mode
        public let until: Int64

        /// - Parameter until: within `FileRecord.timeRange`; beyond it becomes its bound.
        public init(mode: Mode, until: Int64) {
            self.mode = mode
            self.until = FileRecord.clampedTime(until)
        }

        private enum CodingKeys: String, CodingKey {
            case mode, until
        }

        public init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            self.init(
                mode: try values.decode(Mode.self, forKey: .mode),
                until: try values.decode(Int64.self, forKey: .until))
        }
    }

    public let term: Term?
    /// Without end, until it is released.
    public let isHeld: Bool

    public init(term: Term? = nil, isHeld: Bool = false) {
        self.term = term
        self.isHeld = isHeld
    }
}
