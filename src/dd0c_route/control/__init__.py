"""The control process: moves journals into the store, and answers the console, the API and `/metrics`."""
