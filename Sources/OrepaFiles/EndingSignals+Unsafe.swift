import Glibc

/// The signals that would end the process, as nobody handles or ignores them: held up on the calling thread until they are
/// released there, and then they do.
///
/// One that is sent to the process may still end it by another thread that has not blocked it.
final class EndingSignals {
    private var former = sigset_t()
    private var held: [Int32] = []
    private var isReleased = false

    init() {
        var set = sigset_t()
        sigemptyset(&set)
        for number in [
            SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1,
            SIGUSR2,
        ] {
            var action = sigaction()
            // The default is a null pointer.
            guard sigaction(number, nil, &action) == 0,
                action.__sigaction_handler.sa_handler == nil
            else { continue }
            held.append(number)
            sigaddset(&set, number)
        }
        pthread_sigmask(SIG_BLOCK, &set, &former)
        // What the thread had blocked before does not end it here.
        held.removeAll { sigismember(&former, $0) == 1 }
    }

    /// Whether one of them has arrived.
    var arePending: Bool {
        var pending = sigset_t()
        guard sigpending(&pending) == 0 else { return false }
        return held.contains { sigismember(&pending, $0) == 1 }
    }

    func release() {
        guard !isReleased else { return }
        isReleased = true
        pthread_sigmask(SIG_SETMASK, &former, nil)
    }
}
