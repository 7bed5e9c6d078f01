extension RandomCheckpoint {
    /// The shape of a network: its blocks' places, without their kinds.
    public struct Architecture: Sendable {
        public enum Family: String, Sendable, CaseIterable {
            case repVGG, resNetBasic, resNetBottleneck, resNeXt
        }

        /// Where one block stands.
        public struct Place: Sendable {
            public let prefix: String
            public let inputChannels: Int
            public let outputChannels: Int
            public let kernel: Int
            public let stride: Int
            public let groups: Int
            /// Whether a RepVGG block has an identity branch here.
            public let hasIdentity: Bool
        }

        public let family: Family
        public let classCount: Int
        /// In the order in which they run.
        public private(set) var places: [Place] = []
        /// Channels that the linear layer reads.
        public private(set) var featureCount = 3

        /// A chain of 3x3 blocks: the stem, then `depths[s]` blocks of `widths[s]` channels per stage. Every
        /// even layer (2, 4, ...) has `groups` groups.
        public init(
            repVGG stem: Int, depths: [Int], widths: [Int], groups: Int = 1, classCount: Int = 1000,
            inputChannels: Int = 3, strides: [Int]? = nil, identities: [Bool] = []
        ) {
            family = .repVGG
            self.classCount = classCount
            featureCount = inputChannels
            let strides = strides ?? Array(repeating: 2, count: depths.count + 1)
            add("stage0", stem, 3, stride: strides[0])
            var layer = 0
            for (stage, (depth, width)) in zip(depths, widths).enumerated() {
                for block in 0..<depth {
                    layer += 1
                    add(
                        "stage\(stage + 1).\(block)", width, 3,
                        stride: block == 0 ? strides[stage + 1] : 1,
                        groups: layer % 2 == 0 ? groups : 1,
                        identity: layer - 1 < identities.count ? identities[layer - 1] : true)
                }
            }
        }

        /// A residual network. `widths[s]` are the channels of the stage's 3x3 convolutions, and a bottleneck's
        /// output has `expansion` times as many. `shortcuts` adds one to first blocks that could do without.
        public init(
            resNet family: Family, stem: Int, stemKernel: Int = 7, depths: [Int], widths: [Int],
            expansion: Int = 4, groups: Int = 1, classCount: Int = 1000, inputChannels: Int = 3,
            strides: [Int]? = nil, shortcuts: Bool = false
        ) {
            self.family = family
            self.classCount = classCount
            featureCount = inputChannels
            let strides = strides ?? [2, 1] + Array(repeating: 2, count: depths.count - 1)
            add("stage0.conv1", stem, stemKernel, stride: strides[0])
            for (stage, (depth, width)) in zip(depths, widths).enumerated() {
                for block in 0..<depth {
                    let prefix = "stage\(stage + 1).\(block)"
                    let stride = block == 0 ? strides[stage + 1] : 1
                    let input = featureCount
                    if family == .resNetBasic {
                        add("\(prefix).conv1", width, 3, stride: stride, groups: groups)
                        add("\(prefix).conv2", width, 3, stride: 1, groups: groups)
                    } else {
                        add("\(prefix).conv1", width, 1, stride: 1)
                        add("\(prefix).conv2", width, 3, stride: stride, groups: groups)
                        add("\(prefix).conv3", width * expansion, 1, stride: 1)
                    }
                    let output = featureCount
                    if stride != 1 || input != output || (shortcuts && block == 0) {
                        featureCount = input
                        add("\(prefix).shortcut", output, 1, stride: stride)
                    }
                }
            }
        }

        /// A small network with odd widths: one to four stages of one to three blocks.
        public init(random family: Family, using generator: inout Generator) {
            let stages = generator.pick(1...4)
            let depths = (0..<stages).map { _ in generator.chance(70) ? generator.pick(1...2) : 3 }
            let classCount = generator.pick(1...13)
            func widths(_ unit: Int) -> [Int] {
                (0..<stages).map { _ in unit * (2 * generator.pick(0...4) + 1) }
            }
            switch family {
            case .repVGG:
                let groups = [1, 1, 2, 3, 4][generator.pick(0...4)]
                self.init(
                    repVGG: groups * generator.pick(1...5), depths: depths, widths: widths(groups),
                    groups: groups, classCount: classCount,
                    identities: (0..<12).map { _ in generator.chance(75) })
            case .resNetBasic, .resNetBottleneck, .resNeXt:
                let groups = family == .resNeXt ? [2, 3, 4, 5, 8][generator.pick(0...4)] : 1
                self.init(
                    resNet: family, stem: generator.pick(1...9),
                    stemKernel: [5, 5, 7, 7, 7, 9][generator.pick(0...5)], depths: depths,
                    widths: widths(groups), expansion: generator.pick(1...4), groups: groups,
                    classCount: classCount, shortcuts: generator.chance(30))
            }
        }

        private mutating func add(
            _ prefix: String, _ width: Int, _ kernel: Int, stride: Int, groups: Int = 1,
            identity: Bool = false
        ) {
            places.append(
                Place(
                    prefix: prefix, inputChannels: featureCount, outputChannels: width,
                    kernel: kernel, stride: stride, groups: groups,
                    hasIdentity: identity && stride == 1 && width == featureCount))
            featureCount = width
        }
    }
}

extension RandomCheckpoint.Architecture {
    /// RepVGG-A0 at full size, 1000 classes.
    public static let repVGGA0 = Self(
        repVGG: 48, depths: [2, 4, 14, 1], widths: [48, 96, 192, 1280])
    /// RepVGG-B1 at full size, 1000 classes.
    public static let repVGGB1 = Self(
        repVGG: 64, depths: [4, 6, 16, 1], widths: [128, 256, 512, 2048])
    /// ResNet-18 at full size, 1000 classes.
    public static let resNet18 = Self(
        resNet: .resNetBasic, stem: 64, depths: [2, 2, 2, 2], widths: [64, 128, 256, 512])
    /// ResNet-50 at full size, 1000 classes.
    public static let resNet50 = Self(
        resNet: .resNetBottleneck, stem: 64, depths: [3, 4, 6, 3], widths: [64, 128, 256, 512])
    /// ResNet-101 at full size, 1000 classes.
    public static let resNet101 = Self(
        resNet: .resNetBottleneck, stem: 64, depths: [3, 4, 23, 3], widths: [64, 128, 256, 512])
    /// ResNeXt-50 32x4d at full size, 1000 classes.
    public static let resNeXt50 = Self(
        resNet: .resNeXt, stem: 64, depths: [3, 4, 6, 3], widths: [128, 256, 512, 1024],
        expansion: 2, groups: 32)
}
