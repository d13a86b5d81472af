import DepotCore

/// A span of time as people write it: `90s`, `20m`, `12h`, `30d`.
struct TimeSpan {
    let seconds: Int

    private static let units = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    private static let secondsMax = 100 * 365 * 86_400

    /// - Throws: `invalidArgument`.
    init(_ text: String) throws(DepotError) {
        guard let unit = text.last.flatMap({ Self.units[String($0)] }),
            let count = Int(text.dropLast()), count >= 0, count <= Self.secondsMax / unit
        else {
            throw DepotError(
                .invalidArgument, "a time is a number and s, m, h or d, such as 20m", object: text)
        }
        seconds = count * unit
    }
}
