import CLibCrypto
import DepotCore

/// Something of libcrypto's that is freed when it goes out of scope.
struct LibCryptoObject: ~Copyable {
    let pointer: OpaquePointer
    private let free: (OpaquePointer?) -> Void

    /// - Throws: `internalError` where there is nothing, as without memory, naming `what`.
    init(
        _ pointer: OpaquePointer?, _ what: String, freeing free: @escaping (OpaquePointer?) -> Void
    ) throws(DepotError) {
        guard let pointer else { throw Self.failure(what) }
        self.pointer = pointer
        self.free = free
    }

    deinit { free(pointer) }

    /// What libcrypto says of its last failure, which is forgotten.
    static func reason() -> String {
        defer { ERR_clear_error() }
        guard let text = ERR_reason_error_string(ERR_peek_last_error()) else { return "no reason" }
        return String(cString: text)
    }

    static func failure(_ what: String) -> DepotError {
        DepotError(.internalError, "\(what) (\(reason()))")
    }

    /// - Throws: `internalError` unless a call succeeded.
    static func require(_ result: Int32, _ what: String) throws(DepotError) {
        guard result > 0 else { throw failure(what) }
    }
}

extension LibCryptoObject {
    /// Bytes to read from.
    static func reading(_ bytes: [UInt8]) throws(DepotError) -> LibCryptoObject {
        // The copy is libcrypto's: a buffer of ours may move.
        let memory = try writing()
        let written = BIO_write(memory.pointer, bytes, Int32(clamping: bytes.count))
        guard bytes.isEmpty || Int(written) == bytes.count else { throw failure("no room") }
        return memory
    }

    /// Memory to write to.
    static func writing() throws(DepotError) -> LibCryptoObject {
        try LibCryptoObject(BIO_new(BIO_s_mem()), "no memory") { BIO_free($0) }
    }

    /// What was written there.
    func written() -> [UInt8] {
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 4_096)
        while case let count = BIO_read(pointer, &part, Int32(part.count)), count > 0 {
            bytes += part.prefix(Int(count))
        }
        return bytes
    }
}
