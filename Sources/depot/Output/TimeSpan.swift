import ArgumentParser
import DepotCore

/// A span of time as people write it: `90s`, `20m`, `12h`, `30d`.
struct TimeSpan: Equatable {
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

    /// Of whole seconds; what is left of them is dropped.
    init(_ duration: Duration) { seconds = Int(clamping: duration.components.seconds) }

    var duration: Duration { .seconds(seconds) }

    /// For an option of the command line.
    static func parse(_ text: String) throws -> TimeSpan {
        do throws(DepotError) {
            return try TimeSpan(text)
        } catch {
            throw ValidationError(error.message)
        }
    }
}

extension TimeSpan: CustomStringConvertible {
    /// In the largest unit that leaves no rest.
    var description: String {
        let unit = Self.units.filter { seconds % $0.value == 0 && seconds >= $0.value }
            .max { $0.value < $1.value }
        return unit.map { "\(seconds / $0.value)\($0.key)" } ?? "\(seconds)s"
    }
}
