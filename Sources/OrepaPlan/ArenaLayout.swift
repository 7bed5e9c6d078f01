/// Places buffers of known lifetimes into one block of memory so that two that live at the same time never overlap.
///
/// Lowest fitting offset, largest buffer first: at most a little above the optimum on chains and residual networks. That
/// looks at each pair of buffers that live at the same time. Of a graph that was made to have too many of them, each
/// buffer gets a place of a class of sizes instead, in the order of time: some memory more, and time in proportion to
/// the number of buffers.
package struct ArenaLayout {
    /// A buffer that lives from step `first` to step `last`, both included.
    package struct Buffer {
        let size: Int
        let first: Int
        let last: Int

        package init(size: Int, first: Int, last: Int) {
            self.size = size
            self.first = first
            self.last = last
        }
    }

    /// In the order of the buffers, in elements, multiples of the alignment.
    package let offsets: [Int]
    /// Elements in all.
    package let size: Int

    package init(_ buffers: [Buffer], alignment: Int = 16) {
        if let neighbours = Neighbours(buffers, most: 64 * buffers.count + (1 << 17)) {
            self.init(largestFirst: buffers, neighbours, alignment: alignment)
        } else {
            self.init(inOrderOfTime: buffers, alignment: alignment)
        }
    }

    private init(largestFirst buffers: [Buffer], _ neighbours: Neighbours, alignment: Int) {
        // Memory: checked for each node of the graph.
        var offsets = [Int?](repeating: nil, count: buffers.count)
        var size = 0
        let bySize = buffers.indices.sorted { (buffers[$0].size, $1) > (buffers[$1].size, $0) }
        for index in bySize {
            let placed = neighbours[index].compactMap { neighbour in
                offsets[neighbour].map { (start: $0, end: $0 + buffers[neighbour].size) }
            }.sorted { $0.start < $1.start }
            var offset = 0
            for other in placed {
                if offset + buffers[index].size <= other.start { break }
                offset = max(offset, other.end.roundedUp(to: alignment))
            }
            offsets[index] = offset
            size = max(size, offset + buffers[index].size)
        }
        self.offsets = offsets.map { $0! }
        self.size = size
    }

    private init(inOrderOfTime buffers: [Buffer], alignment: Int) {
        // Memory: checked for each node of the graph.
        var offsets = [Int](repeating: 0, count: buffers.count)
        var size = 0
        /// Places that are free again, by their size.
        var free: [Int: [Int]] = [:]
        var ended = buffers.indices.sorted { buffers[$0].last < buffers[$1].last }[...]
        for index in buffers.indices.sorted(by: { buffers[$0].first < buffers[$1].first }) {
            while let other = ended.first, buffers[other].last < buffers[index].first {
                free[ArenaLayout.classSize(of: buffers[other].size, alignment), default: []]
                    .append(offsets[other])
                ended.removeFirst()
            }
            let room = ArenaLayout.classSize(of: buffers[index].size, alignment)
            if let place = free[room]?.popLast() {
                offsets[index] = place
            } else {
                offsets[index] = size
                size += room
            }
        }
        self.offsets = offsets
        self.size = size
    }

    /// The size of the places that a buffer fits into: at most an eighth more than its own, and the alignment.
    private static func classSize(of size: Int, _ alignment: Int) -> Int {
        let units = max((size + alignment - 1) / alignment, 1)
        let step = max(1, (1 << (Int.bitWidth - units.leadingZeroBitCount - 1)) >> 3)
        return units.roundedUp(to: step) * alignment
    }

    /// For each buffer those that live at the same time.
    private struct Neighbours {
        private var indices: [[Int]]

        /// Nil where there are more than `most` pairs.
        init?(_ buffers: [Buffer], most: Int) {
            // Memory: checked for each node of the graph.
            indices = [[Int]](repeating: [], count: buffers.count)
            var living: [Int] = []
            var pairCount = 0
            for index in buffers.indices.sorted(by: { buffers[$0].first < buffers[$1].first }) {
                living.removeAll { buffers[$0].last < buffers[index].first }
                pairCount += living.count
                guard pairCount <= most else { return nil }
                for other in living {
                    indices[index].append(other)
                    indices[other].append(index)
                }
                living.append(index)
            }
        }

        subscript(index: Int) -> [Int] { indices[index] }
    }
}
