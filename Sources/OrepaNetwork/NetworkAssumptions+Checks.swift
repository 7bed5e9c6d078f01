extension NetworkAssumptions {
    /// The first field that `graph`, used with pictures of `crop` pixels a side, contradicts, or that makes no sense, with
    /// what was expected and what it holds.
    func invalidField(
        for graph: Graph, crop: Int
    ) -> (name: String, expected: String, found: String)? {
        if let expected = graph.stageStrides {
            func list(_ strides: [Int]) -> String {
                strides.map(String.init).joined(separator: ",")
            }
            func name(_ stem: Stem?) -> String { stem?.rawValue ?? "none" }
            if strides != expected {
                return ("strides", "\(list(expected)), as in the graph", list(strides))
            }
            if stem != graph.stem {
                return ("stem", "\(name(graph.stem)), as in the graph", name(stem))
            }
        }
        if hasStemPool != graph.hasMaxPool {
            return ("stem_pool", "\(graph.hasMaxPool), as in the graph", "\(hasStemPool)")
        }
        if let inputSize, inputSize != crop {
            return ("input_size", "\(crop), as the crop", "\(inputSize)")
        }
        if let batchNormEpsilon, !(batchNormEpsilon > 0 && batchNormEpsilon.isFinite) {
            return ("bn_epsilon", "a finite number above 0", "\(batchNormEpsilon)")
        }
        return nil
    }
}
