import COrepa

func cancellationNew(_ cancellation: UnsafeMutablePointer<OpaquePointer?>?) -> orepa_status {
    status { () throws(Failure) in
        try CancellationHandle.clear(cancellation, "cancellation")
        cancellation!.pointee = CancellationHandle().retainedPointer()
    }
}

func cancellationCancel(_ cancellation: OpaquePointer?) {
    (try? CancellationHandle.of(cancellation, "cancellation"))?.cancellation.cancel()
}

func cancellationFree(_ cancellation: OpaquePointer?) { CancellationHandle.free(cancellation) }
