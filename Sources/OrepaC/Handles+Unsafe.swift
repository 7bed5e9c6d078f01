import COrepa
import Orepa
import OrepaPlan
import OrepaThreads

/// An object that C holds by a pointer that tells it nothing. The pointer owns one reference.
protocol Handle: AnyObject, Sendable {
    /// Its name in the header.
    static var name: String { get }
}

extension Handle {
    /// A pointer that owns a reference until ``free(_:)``.
    func retainedPointer() -> OpaquePointer {
        OpaquePointer(Unmanaged.passRetained(self).toOpaque())
    }

    /// The object of `pointer`.
    static func of(_ pointer: OpaquePointer?, _ argument: String) throws(Failure) -> Self {
        guard let pointer else { throw .null(argument, expected: "an \(name)") }
        return known(pointer)
    }

    static func known(_ pointer: OpaquePointer) -> Self {
        Unmanaged<Self>.fromOpaque(UnsafeRawPointer(pointer)).takeUnretainedValue()
    }

    /// Gives up the reference that `pointer` owns.
    static func free(_ pointer: OpaquePointer?) {
        guard let pointer else { return }
        // Threads that end are waited for.
        let cancellation = orepa_put_off_thread_cancellation()
        Unmanaged<Self>.fromOpaque(UnsafeRawPointer(pointer)).release()
        orepa_restore_thread_cancellation(cancellation)
    }

    /// Checks and clears the place where a function writes a new handle.
    static func clear(_ place: UnsafeMutablePointer<OpaquePointer?>?, _ argument: String)
        throws(Failure)
    {
        guard let place else { throw .null(argument, expected: "where to write an \(name) *") }
        place.pointee = nil
    }
}

/// `orepa_model`.
final class ModelHandle: Handle {
    static let name = "orepa_model"
    let model: Model
    /// Nil when classes have no names.
    let labels: CStrings?
    let stageNames: CStrings
    let metadata: Metadata

    init(_ model: Model) throws(Failure) {
        self.model = model
        if let names = model.labels { labels = try CStrings(checked: names) } else { labels = nil }
        stageNames = try CStrings(checked: model.stages.map(\.name))
        metadata = try Metadata(model.description)
    }
}

/// `orepa_pool`.
final class PoolHandle: Handle {
    static let name = "orepa_pool"
    let pool: WorkerPool

    init(_ pool: WorkerPool) { self.pool = pool }
}

/// `orepa_cancellation`.
final class CancellationHandle: Handle {
    static let name = "orepa_cancellation"
    let cancellation = Cancellation()
}
