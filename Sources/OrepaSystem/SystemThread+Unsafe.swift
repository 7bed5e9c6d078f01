import CLinuxThreads
import Glibc
import Synchronization

/// How the library starts threads of its own.
package enum SystemThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        let hasHeap = Event()
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// What happens once.
    private final class Event: Sendable {
        nonisolated(unsafe) private let word: UnsafeMutablePointer<Atomic<UInt32>>

        init() {
            // Memory: small.
            word = .allocate(capacity: 1)
            word.initialize(to: Atomic(0))
        }

        deinit {
            word.deinitialize(count: 1)
            word.deallocate()
        }

        private var futex: UnsafePointer<UInt32> {
            UnsafeRawPointer(word).assumingMemoryBound(to: UInt32.self)
        }

        func happen() {
            word.pointee.store(1, ordering: .releasing)
            orepa_futex_wake(futex)
        }

        func wait() {
            while word.pointee.load(ordering: .acquiring) == 0 { orepa_futex_wait(futex, 0, -1) }
        }
    }

    /// Address space that the GNU C library gives a thread for what it allocates, with its first allocation.
    private static let heap = 64 << 20

    /// What a thread has to leave of the memory that the system would give: where there is less, what the thread is to
    /// help with would want it.
    private static let memoryLeft = 64 << 20

    /// Starts a thread that takes no signals, which are the host's, and computes in the standard arithmetic whatever the
    /// starting one does. Nil when the system refuses it, or would refuse what is small afterwards.
    ///
    /// The thread has the memory that it takes for itself when this returns: what is found to be left later is left.
    package static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        var attributes = pthread_attr_t()
        guard pthread_attr_init(&attributes) == 0 else { return nil }
        defer { pthread_attr_destroy(&attributes) }
        var stackSize = 0
        pthread_attr_getstacksize(&attributes, &stackSize)
        guard (try? SystemMemory.check(byteCount: stackSize + heap + memoryLeft)) != nil else {
            return nil
        }
        let body = Body(body)
        let retained = Unmanaged.passRetained(body)
        var blocked = sigset_t()
        var previous = sigset_t()
        sigfillset(&blocked)
        pthread_sigmask(SIG_SETMASK, &blocked, &previous)
        defer { pthread_sigmask(SIG_SETMASK, &previous, nil) }
        var thread = pthread_t()
        let status = pthread_create(
            &thread, &attributes,
            { pointer in
                let body = Unmanaged<Body>.fromOpaque(pointer!).takeRetainedValue()
                // Allocates.
                try? SystemMemory.check()
                body.hasHeap.happen()
                // A new thread has the settings of the one that made it.
                withStandardArithmetic { body.run() }
                return nil
            }, retained.toOpaque())
        guard status == 0 else {
            retained.release()
            return nil
        }
        body.hasHeap.wait()
        return thread
    }
}
