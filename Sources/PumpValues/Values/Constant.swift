/// A value from JSON that was checked against its type, in memory that lives as long as the program.
public func constant<T: ColumnValue>(_ json: String, _ shape: Shape) -> T {
  let memory = Arena()
  let text = memory.copy(json)
  let column = Column(shape)
  precondition(shape.read(text, into: column, 0, memory, JSONOptions()), "constants were checked against their types")
  // The value points into it: it is never released.
  _ = Unmanaged.passRetained(memory)
  return T.read(column, 0, memory)
}
