import COrepa
import Orepa
import OrepaFiles
import OrepaSystem

/// Why a function of the table fails: what it returns, and what `last_error` gives then.
struct Failure: Error {
    let status: orepa_status
    let message: String

    init(_ status: orepa_status, _ message: String) {
        self.status = status
        // Names that callers and files give may be anything.
        self.message = message.escapedForPrinting()
    }

    /// An argument at fault.
    static func argument(_ name: String, expected: String, found: String) -> Failure {
        Failure(OREPA_INVALID_ARGUMENT, "\(name): expected \(expected), found \(found)")
    }

    /// Memory that the system refused. Without figures: a text that is put together takes memory.
    static var noMemory: Failure {
        Failure(OREPA_OUT_OF_MEMORY, "expected memory to work with, the system refused it")
    }

    /// A pointer that must not be NULL.
    static func null(_ name: String, expected: String) -> Failure {
        .argument(name, expected: expected, found: "NULL")
    }
}

extension Failure {
    /// The numbers of the library's codes are those of the header.
    init(_ error: OrepaError) { self.init(error.code.rawValue, error.message) }
}

/// Calls the library.
func calling<Value>(_ body: () throws(OrepaError) -> Value) throws(Failure) -> Value {
    do throws(OrepaError) { return try body() } catch { throw Failure(error) }
}

/// Checks that the system gives that much memory.
func checkMemory(count: Int = 0, size: Int = 0) throws(Failure) {
    do throws(MemoryRefusal) { try SystemMemory.check(count: count, size: size) } catch {
        throw .noMemory
    }
}

/// Runs the body of a function of the table: its failure becomes the status and the thread's last message.
///
/// - Parameter takesMemory: Whether it allocates something. The system then has to have the margin that small allocations
///   take.
func status(takesMemory: Bool = true, _ body: () throws(Failure) -> Void) -> orepa_status {
    let cancellation = orepa_put_off_thread_cancellation()
    defer { orepa_restore_thread_cancellation(cancellation) }
    do throws(Failure) {
        try withStandardArithmetic { () throws(Failure) in
            if takesMemory { try checkMemory() }
            try body()
        }
        orepa_set_last_error(nil, 0)
        return OREPA_OK
    } catch {
        var message = error.message
        message.withUTF8 {
            $0.withMemoryRebound(to: CChar.self) { orepa_set_last_error($0.baseAddress, $0.count) }
        }
        return error.status
    }
}
