/// Decisions that an input's bytes make, one a byte; what follows its end is all zeros.
struct Choices {
    private var bytes: Slice<UnsafeRawBufferPointer>

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes[...]
    }

    mutating func byte() -> Int { Int(bytes.popFirst() ?? 0) }

    mutating func pick(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + byte() % range.count
    }

    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[byte() % elements.count]
    }

    mutating func chance() -> Bool { byte() % 2 == 1 }
}
