import ArgumentParser
import DepotCore
import FoundationEssentials

/// An instant on the command line: `2026-11-30T08:46:00Z`, `2026-11-30 08:46`, a day, `@1764492360`
/// as `date` takes it, or how far it is from now: `2h`. Without a zone it is UTC, as depot writes
/// times.
struct Instant {
    /// Since 1970.
    let seconds: Int64

    static var now: Instant { Instant(seconds: Int64(Date().timeIntervalSince1970)) }

    /// A span is how long ago it was.
    static func parsePast(_ text: String) throws -> Instant {
        try span(text, -1) ?? parseCalendar(text)
    }

    /// A span is how long it is until then.
    static func parseFuture(_ text: String) throws -> Instant {
        try span(text, 1) ?? parseCalendar(text)
    }

    private static func span(_ text: String, _ sign: Int64) -> Instant? {
        (try? TimeSpan.parse(text)).map {
            Instant(seconds: now.seconds + sign * Int64($0.seconds))
        }
    }

    private static func parseCalendar(_ text: String) throws -> Instant {
        if text.hasPrefix("@"), let seconds = Int64(text.dropFirst()) {
            return Instant(seconds: seconds)
        }
        var written = text.replacing(" ", with: "T")
        if !written.contains("T") { written += "T00:00:00" }
        if written.split(separator: ":").count == 2 { written += ":00" }
        for candidate in [written, written + "Z"] {
            if let date = try? Date(candidate, strategy: .iso8601) {
                return Instant(seconds: Int64(date.timeIntervalSince1970.rounded(.down)))
            }
        }
        throw ValidationError(
            "'\(text)' is no time: write 2026-11-30T08:46:00Z, a day, @SECONDS, or 2h")
    }
}
