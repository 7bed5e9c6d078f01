import COrepaKernels
import OrepaThreads

extension CallWatch? {
    /// Calls `body` with the watch as kernels ask it; with nil where there is nothing to watch.
    func withStop<Result>(_ body: (UnsafePointer<orepa_stop>?) -> Result) -> Result {
        guard let self else { return body(nil) }
        let stop = orepa_stop(
            is_reached: { context in
                Unmanaged<CallWatch>.fromOpaque(context!)._withUnsafeGuaranteedRef { $0.look() }
            },
            context: Unmanaged.passUnretained(self).toOpaque())
        return withExtendedLifetime(self) { withUnsafePointer(to: stop) { body($0) } }
    }
}
