// The page for names and passwords.

const wrong = document.getElementById("wrong");

document.getElementById("login").addEventListener("submit", async (event) => {
  event.preventDefault();
  wrong.textContent = "";
  const body = JSON.stringify({
    name: document.getElementById("name").value,
    password: document.getElementById("password").value,
  });
  const answer = await fetch("/api/login", { method: "POST", body });
  if (answer.ok) {
    location.reload();
  } else {
    wrong.textContent = (await answer.json()).error;
  }
});
