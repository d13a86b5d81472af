import DepotCore
import Synchronization

// How long is too long depends on the disks, the network and the size of what is asked for, so it
// is learnt from what was answered lately: a moving average for each size, in powers of two.
// Whoever takes several times as long is slow. (The idea of hedged requests: Dean and Barroso, The
// Tail at Scale, 2013.)

/// Learns how long replicas take to answer.
final class AnswerTimes: Sendable {
    /// As many times the usual; the tail of a healthy disk lies below.
    private static let factor = 4
    /// Where nothing was learnt yet.
    private static let unknown = Duration.seconds(1)
    private static let least = Duration.milliseconds(50)
    private static let most = Duration.seconds(5)
    /// The weight of a new answer is one in so many.
    private static let averagedOver = 16

    private let averages = Mutex([Duration?](repeating: nil, count: 40))

    func learn(_ duration: Duration, bytes: Int) {
        averages.withLock { averages in
            let index = Self.index(bytes)
            averages[index] =
                averages[index].map { $0 + (duration - $0) / Self.averagedOver } ?? duration
        }
    }

    /// After so long another replica is asked as well.
    func patience(bytes: Int) -> Duration {
        guard let usual = averages.withLock({ $0[Self.index(bytes)] }) else { return Self.unknown }
        return min(max(usual * Self.factor, Self.least), Self.most)
    }

    private static func index(_ bytes: Int) -> Int {
        min(39, Int.bitWidth - max(1, bytes).leadingZeroBitCount)
    }
}
