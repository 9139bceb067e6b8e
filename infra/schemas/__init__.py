"""What is generated from the message classes and committed: JSON Schemas, AsyncAPI documents, tables, examples."""
