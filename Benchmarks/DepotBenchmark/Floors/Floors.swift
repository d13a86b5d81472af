import Foundation
import Glibc
import NIOCore
import NIOPosix

/// What this machine must spend whatever the program: measured with the tools that everybody has.
enum Floors {
    static func measure(in place: Workplace, bytes: Int, data: String) throws -> [Measurement] {
        var found: [Measurement] = []
        if let hash = try? openssl() { found.append(hash) }
        found.append(try loopback(bytes: min(bytes, 256 << 20)))
        let copy = place.path("copy")
        let (seconds, usage) = try measured("/usr/bin/cp", [data, copy])
        found.append(
            Measurement("floor: cp", bytes: UInt64(bytes), seconds: seconds, cpu: usage.cpu))
        try FileManager.default.removeItem(atPath: copy)
        let (durable, dd) = try measured(
            "/usr/bin/dd", ["if=\(data)", "of=\(copy)", "bs=1M", "conv=fdatasync", "status=none"])
        found.append(
            Measurement(
                "floor: dd conv=fdatasync", bytes: UInt64(bytes), seconds: durable, cpu: dd.cpu))
        try FileManager.default.removeItem(atPath: copy)
        return found
    }

    /// `openssl speed` says how many bytes it hashes in a second of CPU time.
    private static func openssl() throws -> Measurement {
        let pipe = Pipe()
        _ = try measured(
            "/usr/bin/openssl",
            ["speed", "-mr", "-seconds", "1", "-bytes", "65536", "-evp", "sha256"],
            output: pipe.fileHandleForWriting)
        try pipe.fileHandleForWriting.close()
        let text = String(
            decoding: try pipe.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("+F:") }),
            let rate = line.split(separator: ":").last.flatMap({ Double($0) }), rate > 0
        else { throw CommandFailed(description: "openssl speed said: \(text)") }
        let bytes = 1 << 30
        let seconds = Double(bytes) / rate
        return Measurement(
            "floor: openssl speed sha256", bytes: UInt64(bytes), seconds: seconds, cpu: seconds)
    }

    /// Bytes through a socket of the loopback, 256 KiB at a time, by two threads.
    private static func loopback(bytes: Int) throws -> Measurement {
        var ends: [Int32] = [0, 0]
        let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = Workplace.loopback(port: 0)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isUp = Workplace.withSocketAddress(&address) { address in
            guard bind(listener, address, length) == 0, listen(listener, 1) == 0,
                getsockname(listener, address, &length) == 0
            else { return false }
            ends[0] = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            return connect(ends[0], address, length) == 0
        }
        ends[1] = accept(listener, nil, nil)
        guard isUp, ends[1] >= 0 else { throw CommandFailed(description: "no loopback") }
        let (sender, receiver) = (ends[0], ends[1])
        defer { for end in [listener, sender, receiver] { close(end) } }
        let before = Usage.own(Usage.itself)
        let began = ContinuousClock.now
        Thread.detachNewThread {
            let block = [UInt8](repeating: 7, count: 256 << 10)
            var left = bytes
            while left > 0 {
                let count = send(sender, block, min(left, block.count), 0)
                if count <= 0 { break }
                left -= count
            }
        }
        var block = [UInt8](repeating: 0, count: 256 << 10)
        var got = 0
        while got < bytes {
            let count = recv(receiver, &block, block.count, 0)
            if count <= 0 { break }
            got += count
        }
        return Measurement(
            "floor: loopback, one copy", bytes: UInt64(bytes),
            seconds: (ContinuousClock.now - began) / .seconds(1),
            cpu: Usage.own(Usage.itself) - before)
    }
}
