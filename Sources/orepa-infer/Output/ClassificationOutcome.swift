/// What became of the pictures that were asked about, in their order.
struct ClassificationOutcome {
    enum Kind { case answered, failed, refused, skipped }

    private let list: ImageList
    private var kinds: [Kind] = []

    /// Names of files that are told one by one.
    private static let mostNames = 10

    init(_ list: ImageList) { self.list = list }

    mutating func add(_ kind: Kind) { kinds.append(kind) }

    /// How many pictures are done with.
    var count: Int { kinds.count }

    private func count(_ kind: Kind) -> Int { kinds.count { $0 == kind } }

    private func isEmpty(_ folder: ImageList.Folder) -> Bool {
        folder.range.allSatisfy { kinds[$0] == .skipped }
    }

    /// Nil where all is well: every picture was answered, and there was one.
    var status: Failure.Status? {
        if count(.refused) > 0 { return .refused }
        if count(.failed) > 0 { return .someImagesFailed }
        if count(.answered) == 0 { return .noInput }
        return list.folders.contains(where: isEmpty) ? .someImagesFailed : nil
    }

    /// What was passed over, and where nothing was found.
    var notices: [String] {
        var notices: [String] = []
        if list.inputs.isEmpty && list.folders.isEmpty { notices.append("found no image") }
        let skipped = kinds.indices.filter { kinds[$0] == .skipped }
        if skipped.count > 0 {
            notices.append(
                "skipped \(skipped.count) \(skipped.count == 1 ? "file that is" : "files that are")"
                    + " no image by content")
        }
        notices += ClassificationOutcome.first(
            of: skipped.map { list.inputs[$0].path }.filter(PictureName.isOne)
        ) { "among them \($0.printable), a picture by its name only" }
        notices += ClassificationOutcome.first(of: list.folders.filter(isEmpty)) { folder in
            "\(folder.path.printable): found no image"
                + (folder.hasFolders ? "; it holds folders, which --recursive enters" : "")
        }
        notices += ClassificationOutcome.first(
            of: list.folders.filter { $0.hasFolders && !isEmpty($0) }
        ) { folder in
            "\(folder.path.printable): passed over the folders in it, which --recursive enters"
        }
        return notices
    }

    /// A sentence each about the first few, and one about how many more there are.
    private static func first<Element>(
        of elements: [Element], sentence: (Element) -> String
    ) -> [String] {
        let more = elements.count - mostNames
        return elements.prefix(mostNames).map(sentence)
            + (more > 0 ? ["and \(more) more such"] : [])
    }
}
