import COrepa

func cancellationNew(_ cancellation: UnsafeMutablePointer<OpaquePointer?>?) -> orepa_status {
    status { () throws(Failure) in
        try CancellationHandle.clear(cancellation, "cancellation")
        cancellation!.pointee = CancellationHandle().retainedPointer()
    }
}

func cancellationCancel(_ cancellation: OpaquePointer?) {
    // Without an error for NULL: nothing is allocated, since a signal handler may call this.
    guard let cancellation else { return }
    CancellationHandle.known(cancellation).cancellation.cancel()
}

func cancellationFree(_ cancellation: OpaquePointer?) { CancellationHandle.free(cancellation) }
