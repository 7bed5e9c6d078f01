import Synchronization

/// Contexts that no call is using. Any thread takes one and puts it back; there is no lock, so that a fork in the middle
/// leaves nothing locked in the child.
final class ContextShelf: Sendable {
    private typealias Slot = Atomic<UInt>
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<Slot>
    private let count: Int

    /// A shelf for at most `count` contexts.
    init(count: Int) {
        self.count = count
        // Memory: small, some dozens of words.
        slots = .allocate(capacity: count)
        for index in 0..<count { (slots + index).initialize(to: Slot(0)) }
    }

    deinit {
        clear()
        slots.deinitialize(count: count)
        slots.deallocate()
    }

    /// One that was put here, if there is one.
    func take() -> ModelContext? {
        for index in 0..<count { if let context = take(index) { return context } }
        return nil
    }

    private func take(_ index: Int) -> ModelContext? {
        guard slots[index].load(ordering: .relaxed) != 0 else { return nil }
        let address = slots[index].exchange(0, ordering: .acquiring)
        guard let pointer = UnsafeRawPointer(bitPattern: address) else { return nil }
        return Unmanaged<ModelContext>.fromOpaque(pointer).takeRetainedValue()
    }

    /// Keeps `context`, or lets go of it where the shelf is full.
    func put(_ context: ModelContext) {
        let retained = Unmanaged.passRetained(context)
        let address = UInt(bitPattern: retained.toOpaque())
        for index in 0..<count {
            let result = slots[index].compareExchange(
                expected: 0, desired: address, successOrdering: .releasing,
                failureOrdering: .relaxed)
            if result.exchanged { return }
        }
        retained.release()
    }

    /// Lets go of those that are here, each place looked at once: calls may bring others meanwhile.
    func clear() {
        for index in 0..<count { _ = take(index) }
    }
}
