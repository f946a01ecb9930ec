// The applications that have a login: how each is started, logged in to and out of, and whom it then knows.

const PASSWORD = 'correct horse battery staple'

const form = (visitor, password) => visitor.submit('/login', { name: 'ada', password })
const json = (name) => (visitor, password) => visitor.post('/login', { name, password })
const leaves = (visitor) => visitor.post('/logout')

/** Django wants its form's token with every POST. */
async function djangoForm(visitor, password) {
  await visitor.visit('/accounts/login/')
  const fields = { username: 'ada', password, csrfmiddlewaretoken: visitor.jar.get('csrftoken') }
  return visitor.submit('/accounts/login/', fields, { origin: visitor.base, headers: [['referer', `${visitor.base}/accounts/login/`]] })
}

const djangoToken = (visitor) => [['x-csrftoken', visitor.jar.get('csrftoken') ?? '']]

/** `asks`: what the page's POST in mode A sends besides its cookie; `copies`: a copied cookie outlives the logout. */
export const LOGINS = [
  { page: 'express', id: 'ada', session: 'connect.sid', login: form, logout: leaves },
  { page: 'fastify', id: 'ada', session: 'sessionId', login: json('ada'), logout: leaves },
  { page: 'flask', id: 'ada', session: 'session', login: form, logout: leaves, copies: true },
  { page: 'fastapi', id: '田中 ada', session: 'session', login: json('田中 ada'), logout: leaves, copies: true },
  {
    page: 'django', id: '1', session: 'sessionid', login: djangoForm, asks: djangoToken,
    logout: (visitor) => visitor.post('/accounts/logout/', undefined, { headers: djangoToken(visitor), origin: visitor.base }),
  },
].map((login) => ({ asks: () => [], ...login, password: PASSWORD }))
