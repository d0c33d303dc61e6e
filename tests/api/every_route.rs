//! What holds for every route, tried on every route.

use crate::world::World;

#[test]
fn unknown_paths_wrong_methods_and_options() {
    let world = World::new();
    let ann = world.user("ann");
    ann.get("/api/nothing").expect(404);
    let answer = ann.send("DELETE", "/api/contacts", &[], b"").expect(405);
    assert_eq!(answer.header("Allow"), "OPTIONS, POST, GET, HEAD");
    ann.send("OPTIONS", "/api/contacts", &[], b"").expect(204);
    ann.send("HEAD", "/api/contacts/", &[], b"").expect(200);
}
