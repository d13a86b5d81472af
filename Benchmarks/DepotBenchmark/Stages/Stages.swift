import DepotCore
import DepotWire
import FastCDCReference
import Foundation
import NIOCore

/// The parts of which a deposit is made, each by itself, in this process, on one thread.
enum Stages {
    static func measure(in place: Workplace, mebibytes: Int, chunks: Int) throws -> [Measurement] {
        var random = SplitMix64(seed: 4)
        let data = random.data(mebibytes << 20)
        var found = [
            cut("stage: cut", data, ContentChunker().cutLength),
            cut("stage: cut, FastCDC", data, FastCDC(.default).cutLength),
            hash("stage: hash, 1 MiB", data, 1 << 20),
            hash("stage: hash, 8 KiB", data, 8 << 10),
            try frame("stage: frame, 1 MiB", data, 1 << 20),
            try frame("stage: frame, 8 KiB", data, 8 << 10),
        ]
        found += try wait { try await StoreStages(data: data).measure(in: place.fresh("store")) }
        found += try wait {
            try await CatalogStages(chunks: chunks).measure(in: place.fresh("catalog"))
        }
        return found
    }

    /// A moment from which time is taken.
    struct Beginning {
        private let cpu = Usage.own(Usage.itself)
        private let time = ContinuousClock.now

        func measurement(_ name: String, bytes: Int, operations: Int) -> Measurement {
            Measurement(
                name, bytes: UInt64(bytes), operations: operations,
                seconds: (ContinuousClock.now - time) / .seconds(1),
                cpu: Usage.own(Usage.itself) - cpu)
        }
    }

    static func timed(
        _ name: String, bytes: Int, operations: Int = 1, _ body: () throws -> Void
    ) rethrows -> Measurement {
        let beginning = Beginning()
        try body()
        return beginning.measurement(name, bytes: bytes, operations: operations)
    }

    static func timed(
        _ name: String, bytes: Int, operations: Int = 1, _ body: () async throws -> Void
    ) async rethrows -> Measurement {
        let beginning = Beginning()
        try await body()
        return beginning.measurement(name, bytes: bytes, operations: operations)
    }

    private static func cut(
        _ name: String, _ data: Data, _ length: (UnsafeRawBufferPointer) -> Int
    ) -> Measurement {
        data.withUnsafeBytes { bytes in
            timed(name, bytes: data.count) {
                var offset = 0
                while offset < bytes.count {
                    offset += length(UnsafeRawBufferPointer(rebasing: bytes[offset...]))
                }
            }
        }
    }

    private static func hash(_ name: String, _ data: Data, _ size: Int) -> Measurement {
        data.withUnsafeBytes { bytes in
            timed(name, bytes: data.count) {
                var digest = SHA256Digest()
                for start in stride(from: 0, to: bytes.count, by: size) {
                    let end = min(start + size, bytes.count)
                    digest.update(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
                    _ = digest.finish()
                }
            }
        }
    }

    /// Headers are written, and the batch is taken apart again from slices as the network makes them.
    private static func frame(_ name: String, _ data: Data, _ size: Int) throws -> Measurement {
        let slice = 256 << 10
        let content = ByteBuffer(bytes: data)
        let objects = stride(from: 0, to: data.count, by: size).map { start in
            let length = min(size, data.count - start)
            let id = ObjectID.chunk(ChunkID(hashing: ByteBuffer(integer: start)))
            return (
                frame: ObjectFrame(id: id, status: .present, length: length, replica: nil), start
            )
        }
        return try timed(name, bytes: data.count, operations: objects.count) {
            var parser = ObjectFrameParser(objectsMax: objects.count)
            func drain() throws { while try parser.next() != nil {} }
            for (frame, start) in objects {
                var header = ByteBuffer()
                frame.write(to: &header)
                parser.append(header)
                for offset in stride(from: 0, to: frame.length, by: slice) {
                    let length = min(slice, frame.length - offset)
                    if let part = content.getSlice(at: start + offset, length: length) {
                        parser.append(part)
                    }
                    try drain()
                }
            }
            try drain()
            try parser.finish()
        }
    }

    /// Waits in a program that is not asynchronous for something that is.
    static func wait<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) throws -> Value {
        let done = DispatchSemaphore(value: 0)
        let result = Slot<Result<Value, any Error>>()
        Task.detached {
            do { result.value = .success(try await body()) } catch {
                result.value = .failure(error)
            }
            done.signal()
        }
        done.wait()
        guard let value = result.value else { throw CommandFailed(description: "no result") }
        return try value.get()
    }

    /// Written before the semaphore is signalled, read after it was waited for.
    private final class Slot<Value>: @unchecked Sendable {
        var value: Value?
    }
}
