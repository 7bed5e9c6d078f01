import Glibc

/// How the library starts threads of its own.
package enum SystemThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// What a thread has to leave of the memory that the system would give: where there is less, what the thread is to
    /// help with would want it.
    private static let memoryLeft = 64 << 20

    /// Starts a thread that takes no signals, which are the host's, and computes in the standard arithmetic whatever the
    /// starting one does. Nil when the system refuses it, or would refuse what is small afterwards.
    package static func start(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
        var attributes = pthread_attr_t()
        guard pthread_attr_init(&attributes) == 0 else { return nil }
        defer { pthread_attr_destroy(&attributes) }
        var stackSize = 0
        pthread_attr_getstacksize(&attributes, &stackSize)
        guard (try? SystemMemory.check(byteCount: stackSize + memoryLeft)) != nil else {
            return nil
        }
        let body = Unmanaged.passRetained(Body(body))
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
                // A new thread has the settings of the one that made it.
                withStandardArithmetic { body.run() }
                return nil
            }, body.toOpaque())
        guard status == 0 else {
            body.release()
            return nil
        }
        return thread
    }
}
