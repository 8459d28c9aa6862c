//! Compiles the .proto files with protox, in Rust: no protoc is needed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=events.proto");
    let files = protox::compile(["events.proto"], ["."])?;
    prost_build::Config::new().compile_fds(files)?;
    Ok(())
}
