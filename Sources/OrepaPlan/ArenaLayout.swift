/// Places buffers of known lifetimes into one block of memory so that two that live at the same time
/// never overlap. Lowest fitting offset, largest buffer first: at most a little above the optimum on
/// chains and residual networks.
struct ArenaLayout {
    /// A buffer that lives from step `first` to step `last`, both included.
    struct Buffer {
        let size: Int
        let first: Int
        let last: Int
    }

    /// In the order of the buffers, in elements, multiples of `alignment`.
    let offsets: [Int]
    /// Elements in all.
    let size: Int

    init(_ buffers: [Buffer], alignment: Int = 16) {
        // Memory: checked for each node of the graph.
        var offsets = [Int](repeating: 0, count: buffers.count)
        var placed: [Int] = []
        var size = 0
        let bySize = buffers.indices.sorted { (buffers[$0].size, $1) > (buffers[$1].size, $0) }
        for index in bySize {
            let buffer = buffers[index]
            let neighbours =
                placed
                .filter { buffers[$0].first <= buffer.last && buffer.first <= buffers[$0].last }
                .sorted { offsets[$0] < offsets[$1] }
            var offset = 0
            for neighbour in neighbours {
                if offset + buffer.size <= offsets[neighbour] { break }
                let end = offsets[neighbour] + buffers[neighbour].size
                offset = max(offset, (end + alignment - 1) / alignment * alignment)
            }
            offsets[index] = offset
            placed.append(index)
            size = max(size, offset + buffer.size)
        }
        self.offsets = offsets
        self.size = size
    }
}
